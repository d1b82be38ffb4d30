/* Tables and code that are wider than the screen can be scrolled with the arrow keys. */
function reachable() {
  for (const part of document.querySelectorAll(".table-wrapper, pre")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  }
}
addEventListener("resize", reachable);
addEventListener("load", reachable);

/* Excerpts of what search finds are fetched, which browsers refuse to pages on disk. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
