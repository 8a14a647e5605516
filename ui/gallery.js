// Links that leave the Gallery are one step in the browser's history.
//
// On its own, Streamlit makes two where a control stands in the address: the query of the new page is first written
// into the address of the old one, and the first step back shows the Gallery without what was chosen there. So the
// address is changed here, and Streamlit is told that the reader moved in the history.
document.zoolensOpen ??= (address) => {
  history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
};
document.zoolensLinks ??= (event) => {
  const link = event.target.closest(".zl-card a");
  const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || elsewhere || link.origin !== location.origin) return;
  event.preventDefault();
  event.stopPropagation();
  document.zoolensOpen(link.href);
};
document.addEventListener("click", document.zoolensLinks, { capture: true }); // the same one twice counts once
