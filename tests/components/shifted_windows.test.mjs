import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { apart, heard, partners, placed, standing, stepsOf, strip, windowOf } from "../../ui/components/shifted_windows/groups.mjs";

const REGIONS = ["00001122", "00001122", "00001122", "00001122", "33334455", "33334455", "66667788", "66667788"];
const toy = { height: 8, width: 8, rows: 8, columns: 8, window: 4, up: 2, left: 2, masked: true, regions: REGIONS.flatMap((row) => [...row].map(Number)) };
const still = Array.from({ length: 64 }, (_, each) => 2 * Math.floor(each / 32) + Math.floor((each % 8) / 4));
// the windows of 4 that are moved by 2 without rolling: strips of 2, 4 and 2
const moved = Array.from({ length: 64 }, (_, each) => 3 * Math.floor((Math.floor(each / 8) + 2) / 4) + Math.floor(((each % 8) + 2) / 4));

describe("a map that is rolled", () => {
  it("brings the token two down and two right to the first cell, and finds it there again", () => {
    assert.equal(standing(toy, 2, 0, 0), 18);
    assert.deepEqual(placed(toy, 2, 18), [0, 0]);
    assert.deepEqual(placed(toy, 2, 0), [6, 6]);
    assert.deepEqual(placed(toy, 0, 13), [1, 5]);
  });

  it("has padding without a number", () => {
    const odd = { ...toy, height: 7, width: 7 };
    assert.equal(standing(odd, 0, 7, 0), -1);
    assert.equal(standing(odd, 2, 5, 0), -1);
  });

  it("cuts the strips of figure 4", () => {
    assert.deepEqual([0, 3, 16, 27].map((token) => strip(toy, token)), [3, 1, 2, 0]);
  });
});

describe("who attends to whom", () => {
  it("keeps half of the pairs of a border window apart, and three quarters in the corner", () => {
    const shares = [[0, 0], [0, 4], [4, 0], [4, 4]].map(([i, j]) => apart(windowOf(toy, i, j)));
    assert.deepEqual(shares, [0, 0.5, 0.5, 0.75]);
  });

  it("counts the partners in the picture", () => {
    assert.equal(partners(moved, 0).size, 4);
    assert.equal(partners(moved, 18).size, 16);
  });

  it("lets a token hear of more from block to block", () => {
    const after = heard([still, moved, still, moved], 0);
    const counts = [1, 2, 3, 4].map((n) => after.filter((blocks) => blocks >= 0 && blocks <= n).length);
    assert.deepEqual(counts, [16, 16, 64, 64]);
    assert.equal(after[0], 0);
    assert.equal(heard([still], 0)[63], -1);
  });
});

describe("the steps of a block", () => {
  it("goes there and back", () => {
    assert.deepEqual(stepsOf(toy).map(({ rolled }) => rolled), [0, 1, 2, 2, 2, 2, 1, 0]);
  });

  it("is short without a shift", () => {
    assert.deepEqual(stepsOf({ ...toy, up: 0, left: 0 }).map(({ stage }) => stage), ["Cut", "Attend"]);
  });
});
