// What can be asked of the epochs of a film. Pure: no document, no clock.

/** The index of the epoch to show: that of the number, else the nearest before it, else the last that is there. */
function frameOf(epochs, number) {
  const there = epochs.map((each, index) => (each.ready ? index : -1)).filter((index) => index >= 0);
  if (!there.length) return -1;
  if (number === null) return there.at(-1);
  const before = there.filter((index) => epochs[index].epoch <= number);
  return before.length ? before.at(-1) : there[0];
}

/** The index of the next epoch that is there, -1 after the last of them. */
function following(epochs, index) {
  return epochs.findIndex((each, at) => at > index && each.ready);
}

/** What the page is told: the epoch, or null for the last, which goes along with a run. */
function wish(epochs, index) {
  return following(epochs, index) < 0 ? null : epochs[index].epoch;
}

/** A number in three digits. */
function numeral(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  return size >= 2 || size < -3 ? Number(value.toPrecision(3)).toString() : value.toFixed(2 - size);
}

export { following, frameOf, numeral, wish };
