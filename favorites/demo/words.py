"""What the demo's people drive, complain of and say."""

from typing import Any

from favorites.demo.cast import ANA, BEN, CHLOE

WAIVER: dict[str, Any] = {"version": "2026-11", "ip": "127.0.0.1", "user_agent": "Demo"}

# Who they are and how to reach them: the same on every intake.
ENDS: dict[str, dict[str, Any]] = {
    person.first_name: {
        "name": f"{person.first_name} {person.last_name}",
        "email": person.email,
        "phone": phone,
        "city": "Harbor City",
        "plate": plate,
        "year": year,
        "make": make,
        "model": model,
    }
    for person, phone, plate, year, make, model in (
        (ANA, "+1 555 0100", "ANA 2016", 2016, "Toyota", "Corolla"),
        (BEN, "+1 555 0101", "VAN 4 BEN", 2012, "Ford", "Transit"),
        (CHLOE, "+1 555 0102", "CHL 019", 2019, "Honda", "Civic"),
    )
}

SAVED_CARS: tuple[tuple[str, dict[str, Any]], ...] = (
    (ANA.first_name, {"year": 2016, "make": "Toyota", "model": "Corolla", "plate": "ANA 2016"}),
    (ANA.first_name, {"year": 2003, "make": "Honda", "model": "Accord", "vin": "1HGCM82633A004352"}),
)

INTAKES: dict[str, tuple[dict[str, Any], ...]] = {
    ANA.first_name: (
        {"concern": "The brakes squeal in the morning, gone after a mile.", "odometer": 88_400},
        {"concern": "It hesitates when I pull away from the lights.", "odometer": 88_900},
        {"concern": "The battery was flat twice this week.", "urgent": True},
        {"concern": "The steering wheel shakes at 60 mph.", "odometer": 89_300},
        {"concern": "There is a smell of coolant after I park."},
    ),
    BEN.first_name: (
        {"concern": "The van will not start and I have deliveries to make.", "urgent": True},
        {"concern": "A grinding noise from the rear left wheel.", "odometer": 203_000},
        {"concern": "The sliding door sticks halfway.", "odometer": 203_400},
        {"concern": "It loses power uphill with a full load."},
    ),
    CHLOE.first_name: (
        {"concern": "The engine light came on, it drives as always.", "odometer": 41_200},
        {"concern": "I want to know whether this quote for a clutch is fair."},
        {"concern": "The air conditioning blows warm.", "odometer": 41_500},
        {"concern": "Which oil does it take? The manual is gone."},
    ),
}

# Mechanic and customer in turns; the mechanic begins.
TALKS: tuple[tuple[str, ...], ...] = (
    (
        "Hello, tell me when it happens.",
        "Mostly when it is cold.",
        "That fits. Can you send me a sound of it tomorrow?",
        "Will do, thank you!",
    ),
    (
        "Hi, is the car in front of you?",
        "Yes, the hood is open.",
        "Look for a loose hose near the firewall.",
        "Found it. That was quick.",
    ),
    (
        "Good day. Has it got worse?",
        "A little, since Monday.",
        "Then have the pads looked at this week; it can wait until then.",
    ),
)
