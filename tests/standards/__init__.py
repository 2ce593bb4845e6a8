"""What every page is held to (`make pages`): axe, the W3C checker, Lighthouse, weight, zoom, motion, keyboard."""
