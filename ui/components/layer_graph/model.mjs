// The graph as a tree of blocks: what is inside what, what is visible, what a search or an arrow key finds.
// Pure functions over plain data; nothing here knows of the DOM.

export const KINDS = {
  input: "input",
  conv: "convolution",
  linear: "linear",
  matmul: "matrix product",
  softmax: "softmax",
  norm: "normalisation",
  act: "activation",
  pool: "pooling",
  add: "add or multiply",
  concat: "concatenation",
  reshape: "reshape",
  dropout: "dropout",
  other: "other",
};

export const METRICS = { params: "parameters", macs: "MACs", activations: "activation values" };

// How a part of this network compares with its counterpart in another: a sign and a word for each mark.
export const MARKS = {
  same: { sign: "=", text: "same" },
  changed: { sign: "≠", text: "changed" },
  only: { sign: "!", text: "only here" },
};

const VISIBLE_BUDGET = 48; // at first sight, open whole levels while no more boxes than this are shown

/**
 * {rev, title, nodes, groups, edges} -> {items, children, edges, roots, totals}.
 * `items` holds nodes and groups by id; a group knows its first operation (its place in execution order),
 * the kinds of its operations in order, and whether it changes the size of the tensor passing through.
 */
export function buildModel(graph) {
  const items = new Map();
  for (const group of graph.groups) {
    items.set(group.id, {
      ...group,
      ...titleOf(group),
      isGroup: true,
      first: Infinity,
      kinds: [],
      arriving: new Set(),
    });
  }
  graph.nodes.forEach((node, first) => {
    items.set(node.id, { ...node, isGroup: false, first, kinds: [node.kind], arriving: new Set() });
  });
  const model = { items, children: new Map([["", []]]), edges: graph.edges, title: graph.title, totals: {} };

  for (const node of graph.nodes) {
    for (const id of ancestors(model, node.id)) {
      const group = items.get(id);
      group.first = Math.min(group.first, items.get(node.id).first);
      group.kinds.push(node.kind);
    }
  }
  for (const item of items.values()) {
    if (item.isGroup && !item.kinds.length)
      items.delete(item.id); // a module that never ran
    else if (item.isGroup) model.children.set(item.id, []);
  }
  for (const item of items.values()) model.children.get(item.parent).push(item.id);
  for (const ids of model.children.values()) ids.sort((a, b) => items.get(a).first - items.get(b).first);

  for (const [source, target] of graph.edges) {
    const shape = shapeText(items.get(source).shape);
    const around = new Set(ancestors(model, source));
    for (const id of [...ancestors(model, target), target])
      if (!around.has(id)) items.get(id).arriving.add(shape);
  }
  for (const item of items.values()) {
    const shape = shapeText(item.shape);
    item.resizes = item.arriving.size === 0 || [...item.arriving].some((other) => other !== shape);
  }
  for (const metric of Object.keys(METRICS)) {
    model.totals[metric] = graph.nodes.reduce((sum, node) => sum + (node[metric] ?? 0), 0);
  }
  return model;
}

/** A bare number says little: "Bottleneck 0" for a block, "stages.0" for a container without a name of its own. */
function titleOf({ id, label, cls }) {
  const container = cls === "Sequential" || cls === "ModuleList",
    number = /^\d/.test(label);
  if (!number) return { title: label, subtitle: container ? "" : cls };
  return container
    ? { title: id.split(".").slice(-2).join("."), subtitle: "" }
    : { title: cls, subtitle: label };
}

/** Ids of the groups around an item, outermost first. */
export function ancestors(model, id) {
  const chain = [];
  for (let parent = model.items.get(id)?.parent; parent; parent = model.items.get(parent)?.parent)
    chain.unshift(parent);
  return chain;
}

/** Everything on screen, a group before what it holds: the order of reading and of the arrow keys. */
export function visibleOrder(model, open, root = "") {
  return model.children
    .get(root)
    .flatMap((id) => (open.has(id) ? [id, ...visibleOrder(model, open, id)] : [id]));
}

/** The visible boxes that stand for something: operations and closed groups. */
export function visibleBoxes(model, open) {
  return visibleOrder(model, open).filter((id) => !open.has(id));
}

/** Open whole levels while the picture stays small; folded repeats stay folded. */
export function defaultOpen(model) {
  let open = new Set();
  for (;;) {
    const next = openNextLevel(model, open, (item) => item.repeat === 1);
    if (next.size === open.size || visibleBoxes(model, next).length > VISIBLE_BUDGET) return open;
    open = next;
  }
}

export function openNextLevel(model, open, wanted = () => true) {
  const closed = visibleBoxes(model, open)
    .map((id) => model.items.get(id))
    .filter((item) => item.isGroup && wanted(item));
  return new Set([...open, ...closed.map((item) => item.id)]);
}

/** Ids whose name, label, class or kind hold every word of the query, in execution order. */
export function search(model, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found = [...model.items.values()].filter((item) => {
    const text =
      `${item.id} ${item.label} ${item.cls ?? ""} ${item.kind ?? ""} ${KINDS[item.kind] ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return found.sort((a, b) => a.first - b.first || b.isGroup - a.isGroup).map((item) => item.id);
}

/**
 * What a key does to the focused item, as in any tree: {focus} moves, {toggle} opens or closes, null is no tree key.
 */
export function treeKey(model, open, id, key) {
  const order = visibleOrder(model, open);
  const at = order.indexOf(id);
  const item = model.items.get(id);
  const isOpen = open.has(id);
  switch (key) {
    case "ArrowDown":
      return { focus: order[Math.min(at + 1, order.length - 1)] };
    case "ArrowUp":
      return { focus: order[Math.max(at - 1, 0)] };
    case "Home":
      return { focus: order[0] };
    case "End":
      return { focus: order[order.length - 1] };
    case "ArrowRight":
      if (!item.isGroup) return { focus: id };
      return isOpen ? { focus: model.children.get(id)[0] } : { toggle: id };
    case "ArrowLeft":
      if (isOpen) return { toggle: id };
      return { focus: item.parent || id };
    case " ":
      return item.isGroup ? { toggle: id } : { focus: id };
    case "+":
    case "=":
      return item.isGroup && !isOpen ? { toggle: id } : { focus: id };
    case "-":
      return isOpen ? { toggle: id } : { focus: id };
    default:
      return null;
  }
}

export function shapeText(shape) {
  return (shape ?? []).join("×");
}

/** 25557032 -> "25.6 M". */
export function short(value) {
  if (value == null) return "not counted";
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ]) {
    // 999,950 would round to "1000 k": pass to the next unit from where rounding would reach it
    if (value >= size * 0.9995) return `${(value / size).toPrecision(3)} ${unit}`;
  }
  return String(value);
}
