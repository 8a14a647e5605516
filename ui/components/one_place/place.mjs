// Where a place lies in a picture that is cut into side x side of them. Pure: no document.

/** The row or column that a point lies in, given as a share of the picture. */
function cellAt(share, side) {
  return Math.max(0, Math.min(side - 1, Math.floor(share * side)));
}

/** The middle of a row or column as a share of the picture. */
function middle(cell, side) {
  return (cell + 0.5) / side;
}

const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** The place that an arrow key leads to, `far` places on; null for other keys. */
function stepped([row, column], key, side, far = 1) {
  const way = WAYS[key];
  if (!way) return null;
  const clamp = (cell) => Math.max(0, Math.min(side - 1, cell));
  return [clamp(row + far * way[0]), clamp(column + far * way[1])];
}

function same([row, column], [otherRow, otherColumn]) {
  return row === otherRow && column === otherColumn;
}

export { cellAt, middle, same, stepped };
