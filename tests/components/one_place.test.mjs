import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { cellAt, middle, same, stepped } from "../../ui/components/one_place/place.mjs";

describe("a place of a picture", () => {
  it("is the cell that a point lies in, also at the border", () => {
    assert.equal(cellAt(0, 32), 0);
    assert.equal(cellAt(0.5, 32), 16);
    assert.equal(cellAt(1, 32), 31);
    assert.equal(cellAt(-0.1, 32), 0);
  });

  it("has its middle inside", () => {
    for (const cell of [0, 7, 31]) assert.equal(cellAt(middle(cell, 32), 32), cell);
  });

  it("moves by arrow keys and stays in the picture", () => {
    assert.deepEqual(stepped([5, 5], "ArrowUp", 32), [4, 5]);
    assert.deepEqual(stepped([5, 5], "ArrowRight", 32, 4), [5, 9]);
    assert.deepEqual(stepped([0, 31], "ArrowUp", 32), [0, 31]);
    assert.equal(stepped([5, 5], "Enter", 32), null);
    assert.ok(same([1, 2], [1, 2]));
  });
});
