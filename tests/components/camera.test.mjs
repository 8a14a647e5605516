import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { besideBox, centred, exceeds, fitted, MARGIN } from "../../ui/components/layer_graph/camera.mjs";

const canvas = { width: 600, height: 700 };

describe("fitting", () => {
  const least = 0.42;

  it("shows all of a graph that stays legible, in the middle", () => {
    assert.deepEqual(fitted({ width: 400, height: 1320 }, canvas, { least }), { zoom: 0.5, x: 200, y: 20 });
    assert.deepEqual(fitted({ width: 1120, height: 700 }, canvas, { least }), { zoom: 0.5, x: 20, y: 175 });
  });

  it("never makes a sliver of a tall graph", () => {
    const tall = { width: 510, height: 25114 };
    const { zoom, x, y } = fitted(tall, canvas, { least, overview: 100 });
    assert.ok(Math.abs(zoom - 460 / 510) < 1e-9);
    assert.ok(Math.abs(x - MARGIN) < 1e-9);
    assert.equal(y, MARGIN); // from its start
    assert.equal(fitted({ ...tall, width: 200 }, canvas, { least }).zoom, 1); // no larger than it is drawn
  });

  it("keeps the place on screen, and leaves no void at the ends", () => {
    const tall = { width: 500, height: 10000 };
    const at = (middle) => fitted(tall, canvas, { least, middle });
    assert.ok(Math.abs(at(5000).y + 5000 * at(5000).zoom - 350) < 1e-9);
    assert.ok(Math.abs(at(1e6).y + 10000 * at(1e6).zoom - (700 - MARGIN)) < 1e-9);
  });

  it("shows the whole width of a wide and tall graph, unless told to stay larger", () => {
    const vast = { width: 4000, height: 9000 };
    assert.equal(fitted(vast, canvas, { least }).zoom, 560 / 4000);
    assert.equal(fitted(vast, canvas, { least, narrowest: 0.5 }).zoom, 0.5);
  });
});

describe("the overview", () => {
  it("comes with what lies outside the canvas", () => {
    assert.ok(!exceeds({ width: 600, height: 750 }, 1, canvas));
    assert.ok(exceeds({ width: 600, height: 900 }, 1, canvas));
    assert.ok(exceeds({ width: 900, height: 100 }, 1, canvas));
    assert.ok(!exceeds({ width: 900, height: 100 }, 0.5, canvas));
  });
});

describe("centring", () => {
  const room = { width: 495, height: 700 };

  it("keeps a graph in view that fits beside the overview", () => {
    const { x } = centred({ x: 30, y: 900, w: 80, h: 30 }, { width: 391, height: 2228 }, 1, room);
    assert.ok(x >= MARGIN && x + 391 <= 495 - MARGIN);
  });

  it("brings a box of a larger graph to the middle, or as near as the graph's end allows", () => {
    const graph = { width: 2000, height: 2000 };
    const box = { x: 980, y: 985, w: 40, h: 30 };
    assert.deepEqual(centred(box, graph, 1, room), { x: 247.5 - 1000, y: 350 - 1000 });
    assert.deepEqual(centred({ ...box, x: 0, y: 0 }, graph, 1, room), { x: MARGIN, y: MARGIN });
  });
});

describe("the card", () => {
  const card = { w: 220, h: 190 };
  const apart = (at, box) =>
    at.x + card.w <= box.x ||
    box.x + box.w <= at.x ||
    at.y + card.h <= box.y ||
    box.y + box.h <= at.y;

  it("stands at the right of a box, else at its left", () => {
    const box = { x: 100, y: 300, w: 120, h: 30 };
    assert.deepEqual(besideBox(card, box, [box], canvas), { x: 234, y: 300 });
    const right = { ...box, x: 400 };
    assert.deepEqual(besideBox(card, right, [right], canvas), { x: 166, y: 300 });
  });

  it("hides neither a wide box nor its neighbours where there is room elsewhere", () => {
    const box = { x: 171, y: 300, w: 253, h: 130 };
    const others = [...Array(7).keys()].map((i) => ({ x: 250, y: i < 4 ? 20 + 60 * i : 240 + 60 * i, w: 90, h: 30 }));
    const at = besideBox(card, box, others, canvas);
    for (const each of [box, ...others]) assert.ok(apart(at, each));
  });

  it("stays in the canvas, however large the box", () => {
    const at = besideBox(card, { x: -50, y: -900, w: 700, h: 2000 }, [], canvas);
    assert.ok(at.x >= 0 && at.y >= 0 && at.x + card.w <= 600 && at.y + card.h <= 700);
  });
});
