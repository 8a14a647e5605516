import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isTall, place } from "../../ui/components/block_drawing/geometry.mjs";

const row = (id, others = {}) => ({ id, lane: "branch", kind: "act", product: "", cin: 64, cout: 64, size: 56, ...others });

const SIDE = {
  fork: "input",
  rows: [
    row("input", { cin: 256, cout: 256 }),
    row("branch.conv1", { kind: "conv", product: "64 × 256", cin: 256 }),
    row("branch.relu1"),
    row("shortcut.conv", { kind: "conv", lane: "shortcut", product: "256 × 256", cin: 256, cout: 256 }),
    row("add", { kind: "add", cin: 256, cout: 256 }),
    row("output", { cin: 256, cout: 256, size: 28 }),
  ],
};
const SCALE = { width: 500, most: 256, largest: 56 };

/** [x, y] of the corners of an outline. */
const corners = (d) => [...d.matchAll(/[ML](\S+) (\S+?)(?=[LZ]|$)/g)].map(([, x, y]) => [Number(x), Number(y)]);
const wide = ([[left], [right]]) => right - left;

describe("a block's drawing", () => {
  const placed = place(SIDE, SCALE);
  const outline = (id) => corners(placed.rows.get(id).d);

  it("has a row for each operation, one below the other, without a gap", () => {
    let y = 0;
    for (const { id } of SIDE.rows) {
      assert.equal(placed.rows.get(id).y, y);
      y += placed.rows.get(id).h;
    }
    assert.equal(placed.height, y);
  });

  it("is as wide as the channels", () => {
    const [topLeft, topRight, bottomRight, bottomLeft] = outline("branch.conv1");
    const above = topRight[0] - topLeft[0],
      below = bottomRight[0] - bottomLeft[0];
    assert.ok(Math.abs(above / below - 4) < 0.01);
    assert.ok(Math.abs(wide(outline("input")) - above) < 0.01);
    assert.ok(Math.abs(wide(outline("branch.relu1")) - below) < 0.01);
  });

  it("is as thick as the map where it is a bar", () => {
    const thick = (id) => outline(id)[2][1] - outline(id)[0][1];
    assert.ok(thick("output") < thick("input"));
  });

  it("keeps shortcut, branch and words apart", () => {
    const right = Math.max(...outline("shortcut.conv").map(([x]) => x));
    const [left, end] = [Math.min(...outline("input").map(([x]) => x)), Math.max(...outline("input").map(([x]) => x))];
    assert.ok(right < left);
    assert.ok(end < placed.words.x);
    assert.ok(placed.words.x + placed.words.width <= SCALE.width + 0.01);
  });

  it("leads the shortcut from where it leaves to the sum", () => {
    assert.match(placed.shortcut, new RegExp(`^M\\S+ ${placed.rows.get("input").middle}H`));
    assert.equal(place({ ...SIDE, fork: "" }, SCALE).shortcut, "");
  });

  it("fits a phone, and shows few channels too", () => {
    const narrow = place(SIDE, { ...SCALE, width: 300, most: 4096 });
    assert.ok(narrow.words.width > 150);
    assert.ok(wide(corners(narrow.rows.get("branch.relu1").d)) >= 3);
  });

  it("gives a second line to what has weights to tell", () => {
    assert.deepEqual(SIDE.rows.filter(isTall).map(({ id }) => id), ["branch.conv1", "shortcut.conv"]);
  });
});
