"""`python app.py` serves everything; `flask …` and `gunicorn app:app` find the application here."""

if __name__ == "__main__":
    from favorites.serve import serve

    serve()
else:
    from favorites import create_app

    app = create_app()
