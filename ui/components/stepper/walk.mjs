// What can be asked of a walk. Pure: no document, no clock.

/** For every panel, by cell: the first step that writes it; -1 for cells that are there from the start. */
function writers(walk) {
  const byPanel = walk.panels.map((panel) => new Int32Array(panel.values.length).fill(-1));
  walk.steps.forEach((step, number) => {
    for (const cell of step.cells) byPanel[step.panel][cell] = number;
  });
  return byPanel;
}

/** The place of a cell: {map, row, column}; rows and columns count the frame. */
function place([, rows, columns], cell) {
  const inMap = cell % (rows * columns);
  return { map: Math.floor(cell / (rows * columns)), row: Math.floor(inMap / columns), column: inMap % columns };
}

/** The smallest box around the cells, for every map that has some: Map of {top, left, rows, columns}. */
function boxes(shape, cells) {
  const found = new Map();
  for (const cell of cells) {
    const { map, row, column } = place(shape, cell);
    const box = found.get(map) ?? { top: row, left: column, bottom: row, right: column };
    found.set(map, {
      top: Math.min(box.top, row),
      left: Math.min(box.left, column),
      bottom: Math.max(box.bottom, row),
      right: Math.max(box.right, column),
    });
  }
  for (const [map, { top, left, bottom, right }] of found)
    found.set(map, { top, left, rows: bottom - top + 1, columns: right - left + 1 });
  return found;
}

/** Whether a cell lies in the frame around the map. */
function framed({ shape, pad }, { row, column }) {
  const [, rows, columns] = shape;
  return row < pad || column < pad || row >= rows - pad || column >= columns - pad;
}

/** At most two decimals, a real minus; null is the minus infinity around a max pool. */
function numeral(value) {
  if (value === null) return "−∞";
  const text = value.toFixed(2).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text.replace("-", "−");
}

/** The numbers of a part of a step's arithmetic. */
function numbers(walk, part) {
  return part.values ?? part.cells.map((cell) => walk.panels[part.panel].values[cell]);
}

/** First step of each stage. */
function starts(walk) {
  return walk.stages.map((_, stage) => walk.steps.findIndex((step) => step.stage === stage));
}

/** For every panel, the first step that reads it; where none does, the first that writes it. */
function readers(walk) {
  const reads = ({ parts }, panel) => parts.some((part) => part.panel === panel);
  return walk.panels.map((_, panel) => {
    const first = walk.steps.findIndex((step) => reads(step, panel));
    return first >= 0 ? first : walk.steps.findIndex((step) => step.panel === panel);
  });
}

/** The panels that the steps of a stage read or write. */
function used(walk, stage) {
  const steps = walk.steps.filter((step) => step.stage === stage);
  const panels = steps.flatMap(({ parts, panel, sees }) => [panel, sees?.[0], ...parts.map((part) => part.panel)]);
  return new Set(panels.filter((panel) => panel !== undefined));
}

export { boxes, framed, numbers, numeral, place, readers, starts, used, writers };
