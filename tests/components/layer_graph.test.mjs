import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { layout } from "../../ui/components/layer_graph/layout.mjs";
import {
  ancestors,
  buildModel,
  defaultOpen,
  openNextLevel,
  search,
  short,
  treeKey,
  visibleBoxes,
  visibleOrder,
} from "../../ui/components/layer_graph/model.mjs";
import { all, branches, dense, residual, transformer } from "./graphs.mjs";

/** A small deterministic generator: the same states in every run. */
function random(seed) {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
}

function openings(model) {
  const groups = [...model.items.values()].filter((item) => item.isGroup).map((item) => item.id);
  const states = [new Set(), new Set(groups), defaultOpen(model)];
  for (let seed = 1; seed <= 8; seed++) {
    const next = random(seed);
    states.push(new Set(groups.filter(() => next() < seed / 9)));
  }
  return states;
}

/** Corner points and curve ends of a path, in order. */
function points(d) {
  let x = 0,
    y = 0;
  return [...d.matchAll(/([MVHCq])([^MVHCq]*)/g)].map(([, command, text]) => {
    const numbers = text.trim().split(/[ ,]+/).map(Number);
    if (command === "V") y = numbers[0];
    else if (command === "H") x = numbers[0];
    else if (command === "q") [x, y] = [x + numbers[2], y + numbers[3]];
    else [x, y] = numbers.slice(-2);
    return { x, y };
  });
}

const inside = (a, b) =>
  a.x >= b.x && a.y >= b.y && a.x + a.w <= b.x + b.w + 0.01 && a.y + a.h <= b.y + b.h + 0.01;
const apart = (a, b) => a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;

for (const [name, make] of Object.entries(all)) {
  describe(`layout of ${name}`, () => {
    const model = buildModel(make());
    const states = openings(model).map((open) => ({ open, placed: layout(model, open) }));

    it("gives every visible item a box and nothing else", () => {
      for (const { open, placed } of states)
        assert.deepEqual(new Set(placed.boxes.keys()), new Set(visibleOrder(model, open)));
    });

    it("keeps siblings apart and children inside", () => {
      for (const { open, placed } of states) {
        const frame = { x: 0, y: 0, w: placed.width, h: placed.height };
        for (const parent of ["", ...open].filter((id) => id === "" || placed.boxes.has(id))) {
          const children = model.children.get(parent);
          for (const [i, id] of children.entries()) {
            assert.ok(
              inside(placed.boxes.get(id), placed.boxes.get(parent) ?? frame),
              `${id} leaves ${parent}`,
            );
            for (const other of children.slice(i + 1)) {
              assert.ok(apart(placed.boxes.get(id), placed.boxes.get(other)), `${id} overlaps ${other}`);
            }
          }
        }
      }
    });

    it("runs every edge downwards, inside its group, and through no box", () => {
      for (const { placed } of states) {
        const frame = { x: 0, y: 0, w: placed.width, h: placed.height };
        for (const link of placed.links) {
          const trail = points(link.way()),
            home = placed.boxes.get(link.group) ?? frame;
          assert.ok(link.to > link.from, `${link.source} to ${link.target} does not go down`);
          for (const [i, point] of trail.entries()) {
            if (i)
              assert.ok(point.y >= trail[i - 1].y - 0.2, `${link.source} to ${link.target} turns upwards`);
            assert.ok(
              inside(
                { ...point, w: 0, h: 0 },
                { x: home.x - 0.1, y: home.y - 0.1, w: home.w + 0.2, h: home.h + 0.2 },
              ),
              `${link.source} to ${link.target} leaves ${link.group}`,
            );
          }
          for (const id of model.children.get(link.group)) {
            if (id === link.source || id === link.target) continue;
            const box = placed.boxes.get(id);
            for (let i = 1; i < trail.length; i++) {
              // straight pieces; curves stay in the gaps between the rows
              const [a, b] = [trail[i - 1], trail[i]];
              if (Math.abs(a.x - b.x) > 0.1 && Math.abs(a.y - b.y) > 0.1) continue;
              const piece = {
                x: Math.min(a.x, b.x),
                y: Math.min(a.y, b.y),
                w: Math.abs(a.x - b.x),
                h: Math.abs(a.y - b.y),
              };
              const core = { x: box.x + 1, y: box.y + 1, w: box.w - 2, h: box.h - 2 };
              assert.ok(apart(piece, core), `${link.source} to ${link.target} runs through ${id}`);
            }
          }
        }
      }
    });
  });
}

describe("shortcuts", () => {
  it("are the edges whose ends are also joined by a longer way", () => {
    const model = buildModel(residual());
    const skips = (open) =>
      layout(model, new Set(open))
        .links.filter((link) => link.skip)
        .map(({ source, target }) => [source, target]);
    assert.deepEqual(skips([]), []);
    assert.deepEqual(skips(["r1", "r2"]), [[null, "r1.add"]]); // the projection of r2 is a branch, no shortcut
  });

  it("of one source share one lane", () => {
    const model = buildModel(dense([6]));
    const links = layout(model, new Set(["block0"])).links.filter(
      (link) => link.skip && link.source === "block0.0",
    );
    assert.equal(links.length, 5); // layers 2 to 5 and the concatenation
    assert.equal(
      new Set(links.map((link) => Math.max(...points(link.way()).map((point) => point.x)))).size,
      1,
    );
  });

  it("that follow each other stand in the same place", () => {
    const model = buildModel(transformer(1));
    const open = new Set([...model.items.values()].filter((item) => item.isGroup).map((item) => item.id));
    const lanes = layout(model, open)
      .links.filter((link) => link.skip)
      .map((link) => Math.max(...points(link.way()).map((point) => point.x)));
    assert.equal(lanes.length, 2);
    assert.ok(Math.abs(lanes[0] - lanes[1]) < 30);
  });
});

describe("branches", () => {
  it("start side by side", () => {
    const model = buildModel(branches());
    const placed = layout(model, new Set(["mix"]));
    const boxes = ["b1", "b2", "b3", "b4"].map((id) => placed.boxes.get(`mix.${id}`));
    assert.equal(new Set(boxes.map((box) => box.y)).size, 1);
    for (let i = 1; i < boxes.length; i++) assert.ok(boxes[i].x > boxes[i - 1].x + boxes[i - 1].w);
  });
});

describe("tensor sizes", () => {
  it("stand where the size changes", () => {
    const model = buildModel(residual());
    const { boxes } = layout(model, new Set());
    const labelled = [...boxes].filter(([, box]) => box.label).map(([id]) => id);
    assert.deepEqual(labelled, ["input", "r1"]); // 3x8x8 -> 8x4x4; the last one has no edge to stand on
  });

  it("ride along on every edge", () => {
    const model = buildModel(branches());
    const { links } = layout(model, new Set(["mix"]));
    assert.deepEqual(links.find((link) => link.source === "mix.b2").shapes, ["8×4×4"]);
    assert.deepEqual(links.find((link) => link.source === null).shapes, ["3×8×8"]);
  });
});

describe("the tree", () => {
  const model = buildModel(transformer(5));
  const fold = "blocks.0-4";

  it("keeps folded repeats folded at first sight", () => {
    assert.deepEqual([...defaultOpen(model)], ["blocks"]);
    assert.deepEqual(visibleBoxes(model, defaultOpen(model)), ["input", fold]);
  });

  it("opens whole levels only while they stay few", () => {
    const wide = buildModel(dense([6, 12, 48, 32]));
    assert.deepEqual([...defaultOpen(wide)], []); // its first level alone has over a hundred boxes
    assert.equal(openNextLevel(wide, new Set()).size, 4);
  });

  it("knows the way to the root", () => {
    assert.deepEqual(ancestors(model, "blocks.2.mlp"), ["blocks", fold, "blocks.2"]);
  });

  it("reads in execution order, a group before its inside", () => {
    assert.deepEqual(visibleOrder(model, new Set(["blocks", fold])), [
      "input",
      "blocks",
      fold,
      ...[0, 1, 2, 3, 4].map((i) => `blocks.${i}`),
    ]);
  });

  it("sums costs over the operations", () => {
    assert.deepEqual(model.totals, { params: 300, macs: 3000, activations: 30 * 128 + 192 });
  });

  it("leaves out a module that never ran", () => {
    const graph = transformer(1);
    graph.groups.push({
      id: "aux",
      parent: "",
      label: "aux",
      cls: "Head",
      params: 5,
      macs: 0,
      activations: 0,
      shape: null,
      repeat: 1,
    });
    assert.ok(!buildModel(graph).items.has("aux"));
  });
});

describe("search", () => {
  const model = buildModel(transformer(3));
  const ids = (query) => search(model, query);

  it("finds by name, class and kind, in execution order", () => {
    assert.deepEqual(
      ids("MLP"),
      [0, 1, 2].map((i) => `blocks.${i}.mlp`),
    );
    assert.deepEqual(ids("normalisation blocks.1"), ["blocks.1.norm1", "blocks.1.norm2"]);
    assert.deepEqual(ids("layer"), ["blocks.0-2", "blocks.0", "blocks.1", "blocks.2"]);
  });

  it("finds nothing for nothing, and takes no pattern for one", () => {
    assert.deepEqual(ids("  "), []);
    assert.deepEqual(ids(".*"), []);
  });
});

describe("keys", () => {
  const model = buildModel(residual());
  const press = (open, id, key) => treeKey(model, new Set(open), id, key);

  it("move along what is visible", () => {
    assert.deepEqual(press([], "input", "ArrowDown"), { focus: "r1" });
    assert.deepEqual(press(["r1"], "r1", "ArrowDown"), { focus: "r1.conv1" });
    assert.deepEqual(press(["r1"], "r2", "ArrowUp"), { focus: "r1.add" });
    assert.deepEqual(press([], "input", "ArrowUp"), { focus: "input" });
    assert.deepEqual(press([], "input", "End"), { focus: "head" });
    assert.deepEqual(press(["r2"], "r2.down", "Home"), { focus: "input" });
  });

  it("open, enter, leave and close", () => {
    assert.deepEqual(press([], "r1", "ArrowRight"), { toggle: "r1" });
    assert.deepEqual(press(["r1"], "r1", "ArrowRight"), { focus: "r1.conv1" });
    assert.deepEqual(press(["r1"], "r1.conv2", "ArrowLeft"), { focus: "r1" });
    assert.deepEqual(press(["r1"], "r1", "ArrowLeft"), { toggle: "r1" });
    assert.deepEqual(press([], "r1", " "), { toggle: "r1" });
    assert.deepEqual(press([], "r1", "+"), { toggle: "r1" });
    assert.deepEqual(press(["r1"], "r1", "+"), { focus: "r1" });
    assert.deepEqual(press(["r1"], "r1", "-"), { toggle: "r1" });
    assert.deepEqual(press([], "head", " "), { focus: "head" });
  });

  it("of others are not ours", () => assert.equal(press([], "r1", "x"), null));
});

describe("short", () => {
  it("writes counts with a unit", () => {
    assert.deepEqual([0, 999, 1000, 25557032, 4089184256, 999_950].map(short), [
      "0",
      "999",
      "1.00 k",
      "25.6 M",
      "4.09 G",
      "1.00 M",
    ]);
    assert.equal(short(null), "not counted");
  });
});
