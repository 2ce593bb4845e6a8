// On a phone the owner's pages are a row wider than the screen: it shows where the owner is, a turned phone, too.
const row = document.querySelector(".room-nav"), here = row?.querySelector("[aria-current]");
const show = () => { row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2; };
if (here) {
  show();
  addEventListener("resize", show);
}
