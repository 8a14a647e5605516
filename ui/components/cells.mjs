// What boards of cells are drawn with, shared by the components that have some.

/** The pen for a board of so many cells, and the side of a cell in px. */
function canvas(board, rows, columns) {
  const wide = board.clientWidth || 300, cell = wide / columns, dense = window.devicePixelRatio || 1;
  board.style.height = `${cell * rows}px`;
  board.width = Math.round(wide * dense);
  board.height = Math.round(cell * rows * dense);
  const pen = board.getContext("2d");
  pen.scale(dense, dense);
  return { pen, cell };
}

/** Left, top, width and height of a cell, in whole px, so that neighbours neither overlap nor part. */
function square(i, j, cell) {
  const left = Math.round(j * cell), top = Math.round(i * cell);
  return [left, top, Math.round((j + 1) * cell) - left, Math.round((i + 1) * cell) - top];
}

function line(pen, x1, y1, x2, y2) {
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
}

function cross(pen, cell, rows, columns, every) {
  pen.beginPath();
  for (let i = 0; i <= rows; i += every) line(pen, 0, i * cell, columns * cell, i * cell);
  for (let j = 0; j <= columns; j += every) line(pen, j * cell, 0, j * cell, rows * cell);
  pen.stroke();
}

function ring(pen, left, top, cell, colour) {
  const edge = Math.max(2, Math.min(4, cell / 6));
  pen.lineWidth = edge + 2;
  pen.strokeStyle = "#fff";
  pen.strokeRect(left, top, cell, cell);
  pen.lineWidth = edge;
  pen.strokeStyle = colour;
  pen.strokeRect(left, top, cell, cell);
}

function percent(share) {
  return `${(100 * share).toFixed(share && share < 0.1 ? 1 : share === Math.round(share) ? 0 : 1)} %`;
}

function swatch(colour, words) {
  const item = element("li", ""), box = element("b", "");
  box.style.background = colour;
  item.append(box, element("span", "", words));
  return item;
}

export { canvas, cross, line, percent, ring, square, swatch };
