// Where everything of a block stands: pure, in pixels. Rows run from top to bottom, the branch in the middle, the
// shortcut in a lane at its left, the words at its right.

const TALL = 54, // a row of an operation with weights to tell
  THIN = 27;
const THINNEST = 6,
  THICKEST = 15; // of a map that is drawn as a bar: its side
const NARROWEST = 3; // of a shape, however few its channels
const PAD = 5; // above and below a convolution, where the spine shows
const ART = 0.4, // of the width
  ART_LEAST = 116,
  ART_MOST = 320,
  LANE = 0.3; // of the art
const GAP = 18; // between art and words
const PLUS = 9; // radius of the sum

/** Whether a row has a second line. */
export const isTall = (row) => Boolean(row.product);

/**
 * {height, art, words, rows, spine, shortcut}: `rows` maps an id to {y, h, d, middle}; `d` is the outline of the
 * operation, `words` {x, width} the room for text; `shortcut` is "" where there is none. `most` channels fill the
 * width, and a map of `largest` pixels is the thickest.
 */
export function place(side, { width, most, largest }) {
  const art = Math.min(ART_MOST, Math.max(ART_LEAST, width * ART));
  const lane = { x: (art * LANE) / 2, width: art * LANE - 8 };
  const branch = { x: art * LANE + (art * (1 - LANE)) / 2, width: art * (1 - LANE) };
  const rows = new Map();
  let y = 0;
  for (const row of side.rows) {
    const h = isTall(row) ? TALL : THIN;
    const column = row.lane === "shortcut" ? lane : branch;
    rows.set(row.id, { y, h, middle: y + h / 2, d: outline(row, column, y, h, { most, largest }) });
    y += h;
  }
  const first = rows.get(side.rows[0].id),
    last = rows.get(side.rows.at(-1).id);
  return {
    height: y,
    words: { x: art + GAP, width: width - art - GAP },
    rows,
    spine: `M${round(branch.x)} ${round(first.middle)}V${round(last.middle)}`,
    shortcut: side.fork ? around(rows.get(side.fork).middle, rows.get("add").middle, lane.x, branch.x) : "",
  };
}

/** A trapezoid from the channels read to the channels made, a bar for what keeps them, a disc for the sum. */
function outline(row, column, y, h, { most, largest }) {
  const middle = y + h / 2;
  if (row.kind === "add" && row.id === "add") {
    const [left, top] = [round(column.x - PLUS), round(middle)];
    return `M${left} ${top}a${PLUS} ${PLUS} 0 1 1 ${2 * PLUS} 0a${PLUS} ${PLUS} 0 1 1 ${-2 * PLUS} 0Z`;
  }
  const wide = (channels) => Math.max(NARROWEST, (channels / most) * column.width) / 2;
  const [above, below] = [wide(row.cin), wide(row.cout)];
  const thick = isTall(row) ? h - 2 * PAD : THINNEST + (THICKEST - THINNEST) * (row.size / largest);
  const [top, bottom] = [round(middle - thick / 2), round(middle + thick / 2)];
  const x = (half) => round(column.x + half);
  return `M${x(-above)} ${top}L${x(above)} ${top}L${x(below)} ${bottom}L${x(-below)} ${bottom}Z`;
}

/** From the spine to the lane, down, and back into the sum. */
function around(from, to, lane, branch) {
  const r = 8;
  const turns = `H${round(lane + r)}q${-r} 0 ${-r} ${r}V${round(to - r)}q0 ${r} ${r} ${r}`;
  return `M${round(branch)} ${round(from)}${turns}H${round(branch - PLUS)}`;
}

const round = (value) => Math.round(value * 100) / 100;
