/* Tables and code that are wider than the screen can be scrolled with the arrow keys. */
const reachable = new ResizeObserver(entries => entries.forEach(({ target }) =>
  target.scrollWidth > target.clientWidth
    ? target.setAttribute("tabindex", "0")
    : target.removeAttribute("tabindex")));
document.querySelectorAll(".table-wrapper, pre").forEach(part => reachable.observe(part));
