import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { following, frameOf, numeral, wish } from "../../ui/components/evolution_film/frames.mjs";

const epochs = [0, 1, 2, 5].map((epoch) => ({ epoch, ready: epoch !== 2 }));

describe("the epoch that is shown", () => {
  it("is the one that was asked for, or the nearest before it that is there", () => {
    assert.equal(frameOf(epochs, 1), 1);
    assert.equal(frameOf(epochs, 2), 1);
    assert.equal(frameOf(epochs, 99), 3);
    assert.equal(frameOf(epochs.slice(1), 0), 0);
  });

  it("is the newest where none is asked for", () => {
    assert.equal(frameOf(epochs, null), 3);
    assert.equal(frameOf([], null), -1);
    assert.equal(frameOf([{ epoch: 0, ready: false }], null), -1);
  });
});

describe("playing", () => {
  it("steps over what is not there and ends", () => {
    assert.equal(following(epochs, -1), 0);
    assert.equal(following(epochs, 1), 3);
    assert.equal(following(epochs, 3), -1);
  });

  it("goes along with a run from its newest epoch", () => {
    assert.equal(wish(epochs, 1), 1);
    assert.equal(wish(epochs, 3), null);
  });
});

describe("activations", () => {
  it("have three digits", () => {
    assert.equal(numeral(0), "0");
    assert.equal(numeral(0.123456), "0.123");
    assert.equal(numeral(45.678), "45.7");
    assert.equal(numeral(1234.5), "1230");
    assert.equal(numeral(null), "–");
  });
});
