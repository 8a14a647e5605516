// What can be asked of the places of the square. Pure: no document, no clock.

/** The index of the start whose square has its middle nearest to a point of the picture, in pixels. */
function nearest(starts, size, side, point) {
  let best = 0;
  starts.forEach((start, index) => {
    if (Math.abs(middle(start, size, side) - point) < Math.abs(middle(starts[best], size, side) - point)) best = index;
  });
  return best;
}

/** The middle of what a square hides along one side; the last one may hang over the border. */
function middle(start, size, side) {
  return (start + Math.min(start + size, side)) / 2;
}

/** Where each start's cell begins and ends along one side: half-way between the middles. */
function cells(starts, size, side) {
  const middles = starts.map((start) => middle(start, size, side));
  return middles.map((at, index) => {
    const before = index ? (middles[index - 1] + at) / 2 : null;
    const after = index + 1 < middles.length ? (at + middles[index + 1]) / 2 : null;
    const half = before !== null ? at - before : after !== null ? after - at : side / 2;
    return [Math.max(before ?? at - half, 0), Math.min(after ?? at + half, side)];
  });
}

/** A value in words: shares in per cent, all else in three digits; a real minus. */
function numeral(value, unit) {
  if (value === null || value === undefined) return "not known yet";
  if (unit === "share") return `${(100 * value).toFixed(1)} %`.replace("-", "−");
  const text = Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}

/** How much more or less it is than without the square, in words. */
function change(value, whole, unit) {
  if (value === null || value === undefined) return "";
  const difference = value - whole;
  const sign = difference < 0 ? "−" : "+";
  const size = Math.abs(difference);
  return unit === "share" ? `${sign}${(100 * size).toFixed(1)} points` : `${sign}${numeral(size, unit)}`;
}

export { cells, change, middle, nearest, numeral };
