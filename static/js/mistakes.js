// A form that comes back with mistakes begins at the first of them.
document.querySelector('[aria-invalid="true"]')?.focus();
