// Small graphs for the tests, written as the names and arrows that one would draw on paper.

const node = (id, parent = "", extra = {}) => ({
  id,
  parent,
  label: id.split(".").at(-1),
  kind: "conv",
  shape: [8, 4, 4],
  params: 10,
  macs: 100,
  activations: 128,
  rf: "3 × 3 px",
  formula: "",
  ...extra,
});
const group = (id, parent = "", extra = {}) => ({
  id,
  parent,
  label: id.split(".").at(-1),
  cls: "Block",
  params: 10,
  macs: 100,
  activations: 128,
  shape: [8, 4, 4],
  repeat: 1,
  ...extra,
});
const input = {
  id: "input",
  parent: "",
  label: "input",
  kind: "input",
  shape: [3, 8, 8],
  params: 0,
  macs: 0,
  activations: 192,
};
const chain = (...ids) => ids.slice(1).map((id, i) => [ids[i], id]);
const graph = (title, nodes, groups, edges) => ({
  rev: title,
  title,
  nodes: [input, ...nodes],
  groups,
  edges,
});

/** input -> three layers, no groups. */
export const plain = () =>
  graph(
    "plain",
    ["a", "b", "c"].map((id) => node(id)),
    [],
    chain("input", "a", "b", "c"),
  );

/** Two residual blocks; the second has a projection beside its two layers. */
export function residual() {
  const nodes = ["r1.conv1", "r1.conv2", "r1.add", "r2.conv1", "r2.conv2"].map((id) =>
    node(id, id.split(".")[0]),
  );
  nodes.push(
    node("r2.down.conv", "r2.down"),
    node("r2.add", "r2", { kind: "add" }),
    node("head", "", { kind: "linear", shape: [10] }),
  );
  return graph(
    "residual",
    nodes,
    [group("r1"), group("r2"), group("r2.down", "r2")],
    [
      ...chain("input", "r1.conv1", "r1.conv2", "r1.add", "r2.conv1", "r2.conv2", "r2.add", "head"),
      ["input", "r1.add"],
      ["r1.add", "r2.down.conv"],
      ["r2.down.conv", "r2.add"],
    ],
  );
}

/** Four branches of different depth that meet in a concatenation. */
export function branches() {
  const nodes = [],
    edges = [];
  for (const [branch, depth] of [
    ["b1", 1],
    ["b2", 3],
    ["b3", 2],
    ["b4", 1],
  ]) {
    const ids = Array.from({ length: depth }, (_, i) => `mix.${branch}.${i}`);
    nodes.push(...ids.map((id) => node(id, `mix.${branch}`)));
    edges.push(...chain("input", ...ids, "mix.concat"));
  }
  nodes.push(node("mix.concat", "mix", { kind: "concat", shape: [32, 4, 4] }), node("head"));
  const groups = [group("mix"), ...["b1", "b2", "b3", "b4"].map((each) => group(`mix.${each}`, "mix"))];
  return graph("branches", nodes, groups, [...edges, ["mix.concat", "head"]]);
}

/** A folded repeat: one group of `count` blocks, each with an attention and a feed-forward shortcut. */
export function transformer(count = 5) {
  const fold = `blocks.0-${count - 1}`;
  const nodes = [],
    edges = [],
    groups = [
      group("blocks"),
      group(fold, "blocks", { label: `0 … ${count - 1}`, cls: "Layer", repeat: count }),
    ];
  let last = "input";
  for (let i = 0; i < count; i++) {
    const id = (name) => `blocks.${i}.${name}`;
    groups.push(group(`blocks.${i}`, fold, { cls: "Layer" }));
    const names = ["norm1", "attention", "add1", "norm2", "mlp", "add2"];
    nodes.push(
      ...names.map((name) =>
        node(id(name), `blocks.${i}`, {
          kind: name.startsWith("norm") ? "norm" : name.startsWith("add") ? "add" : "linear",
        }),
      ),
    );
    edges.push(...chain(last, ...names.map(id)), [last, id("add1")], [id("add1"), id("add2")]);
    last = id("add2");
  }
  return graph("transformer", nodes, groups, edges);
}

/** Dense blocks: every layer reads all the earlier ones through a concatenation of its own. */
export function dense(depths = [6, 12]) {
  const nodes = [node("stem")],
    groups = [],
    edges = [["input", "stem"]];
  let from = "stem";
  depths.forEach((depth, b) => {
    const block = `block${b}`,
      made = [from];
    groups.push(group(block));
    for (let i = 0; i < depth; i++) {
      const layer = `${block}.${i}`;
      groups.push(group(layer, block, { cls: "DenseLayer" }));
      const names = ["concat", "norm1", "conv1", "norm2", "conv2"].map((name) => `${layer}.${name}`);
      nodes.push(...names.map((id) => node(id, layer, { kind: id.endsWith("concat") ? "concat" : "conv" })));
      edges.push(...made.map((source) => [source, names[0]]), ...chain(...names));
      made.push(names.at(-1));
    }
    nodes.push(node(`${block}.concat`, block, { kind: "concat" }), node(`transition${b}`));
    edges.push(...made.map((source) => [source, `${block}.concat`]), [`${block}.concat`, `transition${b}`]);
    from = `transition${b}`;
  });
  return graph("dense", nodes, groups, edges);
}

export const all = {
  plain,
  residual,
  branches,
  transformer,
  dense,
  "densenet-201": () => dense([6, 12, 48, 32]),
};
