"""What can be asked of a page in Chromium: each answers what is wrong, in words; nothing: all is well."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

from tests.screens import DESKTOP, PHONE, overflows

HALF = DESKTOP // 2  # what is left of a desktop at 200 % zoom
HEIGHT = 900
SCHEMES = ("light", "dark")

# Of text that does not fit into its box, unless only screen readers are to have it.
CUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const style = getComputedStyle(one);
  return style.overflowX === "hidden" && style.clipPath === "none" && one.scrollWidth > one.clientWidth + 1
    && one.checkVisibility();
}).map((one) => one.outerHTML.slice(0, 120))"""
MOVING = """() => [
  ...document.getAnimations().map((one) => `runs: ${one.animationName ?? one.transitionProperty}`),
  ...[...document.querySelectorAll("*")].flatMap((one) => ["", "::before", "::after"].map((part) => [one, part]))
    .filter(([one, part]) => {
      const style = getComputedStyle(one, part || null);
      return style.animationName !== "none" || style.transitionDuration.split(", ").some((each) => parseFloat(each) > 0)
        || style.scrollBehavior === "smooth";
    }).map(([one, part]) => `may move: ${one.tagName}${part}`)]"""
# What the Tab key must reach; of radio buttons of one name only one is a stop.
STOPS = """() => {
  const radios = new Set();
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.type !== "hidden"
      && one.tabIndex >= 0 && (!document.querySelector("dialog[open]") || one.closest("dialog")))
    .filter((one) => one.type !== "radio" || (!radios.has(one.name) && radios.add(one.name))).length;
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), label = one.closest("label"), outer = label && getComputedStyle(label);
  const box = one.getBoundingClientRect();
  const seen = [style, outer].some((each) => each && each.outlineStyle !== "none" && parseFloat(each.outlineWidth) > 0);
  window.stops ??= new Map();
  if (!window.stops.has(one)) window.stops.set(one, window.stops.size);
  return { number: window.stops.get(one), html: one.outerHTML.slice(0, 120), seen,
           shown: box.bottom > 0 && box.top < innerHeight };
}"""


# A dialog that is still coming is paler than it will be.
STILL = """Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime < Infinity).map((each) => each.finished))"""


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def axe(page: Page, *rules: str) -> list[str]:
    """The violations that axe finds, each with its first element; `rules`: only these."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    page.evaluate(STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found = page.evaluate(f"axe.run(document, {json.dumps(options)}).then((said) => said.violations)")
    return [f"axe {each['id']}: {each['nodes'][0]['html']}" for each in found]


def axe_in_both_schemes(page: Page) -> list[str]:
    """All rules in light; in dark those that colors decide."""
    return [*axe(page), *in_dark(page, "color-contrast")]


def axe_in_dark(page: Page) -> list[str]:
    """All rules in dark."""
    return in_dark(page)


def in_dark(page: Page, *rules: str) -> list[str]:
    """The violations in dark; the page is light again after."""
    page.emulate_media(color_scheme="dark")
    found = [f"dark: {each}" for each in axe(page, *rules)]
    page.emulate_media(color_scheme="light")
    return found


def zoom(page: Page) -> list[str]:
    """At 200 %, with twice the text alone, and on a phone nothing is cut, and nobody scrolls sideways."""
    wrong = []
    for name, width, size in (("200 % zoom", HALF, 100), ("phone", PHONE, 100), ("200 % text", DESKTOP, 200)):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.evaluate("(size) => { document.documentElement.style.fontSize = `${size}%`; }", size)
        wrong += [f"{name}: the page is wider than its window"] * overflows(page)
        wrong += [f"{name}: cut: {html}" for html in page.evaluate(CUT)]
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
    return wrong


def motion(page: Page) -> list[str]:
    """Whoever wants less motion gets none."""
    page.emulate_media(reduced_motion="reduce")
    wrong: list[str] = page.evaluate(MOVING)
    page.emulate_media(reduced_motion="no-preference")
    return wrong


def keyboard(page: Page) -> list[str]:
    """The Tab key comes to all that can be pressed, shows where it is, and never stays."""
    page.emulate_media(reduced_motion="reduce")  # else the page still scrolls to where the focus is
    page.evaluate("document.activeElement.blur()")
    expected, seen, wrong = page.evaluate(STOPS), set(), []
    for _ in range(2 * expected + 9):  # a field for a time is several stops
        if len(seen) == expected:
            break
        page.keyboard.press("Tab")
        if (stop := page.evaluate(FOCUSED)) is None:  # out of the page, to the browser's own buttons, and back
            continue
        seen.add(stop["number"])
        if not stop["seen"] or not stop["shown"]:
            wrong.append(f"keyboard: the focus is not seen on {stop['html']}")
    page.emulate_media(reduced_motion="no-preference")
    if len(seen) < expected:
        wrong.append(f"keyboard: {len(seen)} of {expected} stops were reached")
    return wrong
