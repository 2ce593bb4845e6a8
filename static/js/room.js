// On a phone the owner's pages are a row wider than the screen: it begins where the owner is.
const row = document.querySelector(".room-nav"), here = row?.querySelector("[aria-current]");
if (here) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
