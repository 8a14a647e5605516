// What the page wants a layer graph to have selected: kept where the graph finds it, whichever of the two comes
// first, and told. `rev` says of which graph it is; another may still be drawn under the same name.

export default function ({ data }) {
  const wishes = (document.zoolensWishes ??= new Map());
  wishes.set(data.name, data);
  document.dispatchEvent(new Event("zoolens-wish"));
  return () => {
    if (wishes.get(data.name) === data) wishes.delete(data.name);
  };
}
