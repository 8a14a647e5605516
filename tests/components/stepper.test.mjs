import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  boxes,
  framed,
  numbers,
  numeral,
  place,
  readers,
  starts,
  used,
  writers,
} from "../../ui/components/stepper/walk.mjs";

/** A map of 2 x 2 in a frame, a kernel, and an output of two numbers, which two stages write. */
const WALK = {
  stages: ["Multiply", "Add"],
  panels: [
    { shape: [1, 4, 4], pad: 1, values: [0, 0, 0, 0, 0, 0.5, -0.25, 0, 0, 1, 0.1, 0, 0, 0, 0, 0] },
    { shape: [1, 1, 2], pad: 0, values: [2, -1] },
  ],
  steps: [
    { stage: 0, panel: 1, cells: [0], parts: [{ panel: 0, cells: [5, 6] }, { values: [7] }] },
    { stage: 1, panel: 1, cells: [1], parts: [] },
  ],
};

describe("a walk", () => {
  it("knows which step writes a cell, and which cells nobody writes", () => {
    const [input, output] = writers(WALK);
    assert.deepEqual([...new Set(input)], [-1]);
    assert.deepEqual([...output], [0, 1]);
  });

  it("finds the numbers of a part in its panel or in itself", () => {
    const [taken, made] = WALK.steps[0].parts;
    assert.deepEqual(numbers(WALK, taken), [0.5, -0.25]);
    assert.deepEqual(numbers(WALK, made), [7]);
  });

  it("knows who reads a panel first, and which panels a stage is about", () => {
    assert.deepEqual(readers(WALK), [0, 0]); // nobody reads the output: the first that writes it
    assert.deepEqual(used(WALK, 0), new Set([0, 1]));
    assert.deepEqual(used(WALK, 1), new Set([1]));
  });

  it("knows where a stage begins", () => {
    assert.deepEqual(starts(WALK), [0, 1]);
  });
});

describe("cells", () => {
  it("stand in a map, a row and a column", () => {
    assert.deepEqual(place([3, 4, 5], 0), { map: 0, row: 0, column: 0 });
    assert.deepEqual(place([3, 4, 5], 20 + 7), { map: 1, row: 1, column: 2 });
    assert.deepEqual(place([3, 4, 5], 59), { map: 2, row: 3, column: 4 });
  });

  it("are framed by the smallest box of each map", () => {
    const found = boxes([2, 4, 4], [0, 2, 8, 10, 16 + 15]);
    assert.deepEqual(found.get(0), { top: 0, left: 0, rows: 3, columns: 3 });
    assert.deepEqual(found.get(1), { top: 3, left: 3, rows: 1, columns: 1 });
    assert.equal(boxes([1, 2, 2], []).size, 0);
  });

  it("lie in the frame around a map or in it", () => {
    const inside = WALK.panels[0].values.map((_, cell) => !framed(WALK.panels[0], place([1, 4, 4], cell)));
    assert.deepEqual(
      inside.flatMap((is, cell) => (is ? [cell] : [])),
      [5, 6, 9, 10],
    );
  });
});

describe("a numeral", () => {
  it("has at most two decimals and a real minus", () => {
    const written = [0, -0, 1, 10, -0.001, 0.5, -0.25, 1.999, 100, null].map(numeral);
    assert.deepEqual(written, ["0", "0", "1", "10", "0", "0.5", "−0.25", "2", "100", "−∞"]);
  });
});
