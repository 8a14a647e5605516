import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { cells, change, middle, nearest, numeral } from "../../ui/components/sliding_square/places.mjs";

describe("the places of a square", () => {
  it("has its middle in the middle of what it hides", () => {
    assert.equal(middle(10, 4, 100), 12);
    assert.equal(middle(98, 4, 100), 99); // it hangs over the border
  });

  it("is found by the nearest middle", () => {
    assert.equal(nearest([0, 10, 20], 4, 24, 0), 0);
    assert.equal(nearest([0, 10, 20], 4, 24, 8), 1);
    assert.equal(nearest([0, 10, 20], 4, 24, 99), 2);
  });

  it("has cells that meet half-way and stay in the picture", () => {
    assert.deepEqual(cells([0, 10, 20], 4, 24), [
      [0, 7],
      [7, 17],
      [17, 24],
    ]);
    assert.deepEqual(cells([0], 32, 32), [[0, 32]]);
  });
});

describe("values in words", () => {
  it("says shares in per cent and all else in three digits", () => {
    assert.equal(numeral(0.1234, "share"), "12.3 %");
    assert.equal(numeral(-1.23456, ""), "−1.23");
    assert.equal(numeral(12345.6, ""), "12346");
    assert.equal(numeral(null, "share"), "not known yet");
  });

  it("says how much more or less it is than before", () => {
    assert.equal(change(0.25, 0.5, "share"), "−25.0 points");
    assert.equal(change(7, 5.5, ""), "+1.5");
    assert.equal(change(null, 1, ""), "");
  });
});
