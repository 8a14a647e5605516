import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { rowOf, shade, tokenOf, unpacked, wordOf } from "../../ui/components/attention_board/rows.mjs";

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const packed = (rows, rest = rows.map(() => 0)) => {
  const largest = rows.map((row) => Math.max(...row));
  const bytes = rows.flatMap((row, at) => row.map((weight) => Math.round((255 * weight) / largest[at])));
  const floats = (numbers) => base64(new Uint8Array(Float32Array.from(numbers).buffer));
  return unpacked({ bytes: base64(Uint8Array.from(bytes)), largest: floats(largest), rest: floats(rest) });
};

describe("a row of attention weights", () => {
  it("lies at the places of its window, in the order of the window", () => {
    const sheet = { places: [1, 0, 3, 2], tokens: 2, height: 2, width: 2, groups: [0, 0, 1, 1] };
    const weights = packed([[0.25, 0.75], [0.5, 0.5], [1, 0], [0.2, 0.8]]);
    const row = rowOf(sheet, weights, 1); // slot 0: a quarter to token 1 itself, the rest to token 0
    assert.equal(row.weights[2], -1);
    assert.ok(Math.abs(row.weights[1] - 0.25) < 2e-3 && Math.abs(row.weights[0] - 0.75) < 1e-6);
    assert.equal(rowOf(sheet, weights, 3).weights[3], 1);
  });

  it("keeps what goes to the class token apart, and has a row for it", () => {
    const sheet = { places: [-1, 0, 1], tokens: 3, height: 1, width: 2, groups: [0, 0] };
    const weights = packed([[0, 0.25, 0.2], [0, 0.4, 0], [0, 0, 1]], [0.55, 0.6, 0]);
    assert.ok(Math.abs(rowOf(sheet, weights, 0).rest - 0.6) < 1e-6);
    const own = rowOf(sheet, weights, "class");
    assert.ok(Math.abs(own.rest - 0.55) < 1e-6 && Math.abs(own.weights[1] - 0.2) < 1e-3);
    assert.equal(own.most, 0.25); // by its patches, however much it keeps to itself
  });

  it("leaves out what the mask keeps apart inside a window", () => {
    const sheet = { places: [0, 1], tokens: 2, height: 1, width: 2, groups: [0, 1] };
    assert.equal(rowOf(sheet, packed([[1, 0], [0, 1]]), 0).weights[1], -1);
  });
});

describe("words of the address", () => {
  it("are rows and columns", () => {
    assert.equal(tokenOf("1,2", { height: 2, width: 3 }), 5);
    assert.equal(tokenOf("2,0", { height: 2, width: 3 }), null);
    assert.equal(tokenOf("x", { height: 2, width: 3 }), null);
    assert.equal(tokenOf("class", { height: 2, width: 3 }), "class");
    assert.equal(wordOf(5, { width: 3 }), "1,2");
  });
});

it("shades between the colours of a scale", () => {
  assert.equal(shade(["#000000", "#ffffff"], 0.5), "rgb(128 128 128)");
  assert.equal(shade(["#000000", "#ff0000", "#ffffff"], 1), "rgb(255 255 255)");
});
