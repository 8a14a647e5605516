// What can be asked of a layout: its steps, where a token stands after a roll, whom it attends to and has heard of.
// Tokens are numbered y * width + x; padding has the number -1. Groups: tokens with one number attend to each other.

/** The steps of a block, in order: {stage, rolled, words}. `rolled`: by how many rows and columns the map is moved. */
function stepsOf({ up, left, masked }) {
  const far = Math.max(up, left);
  const steps = [{ stage: "Cut", rolled: 0, words: far ? "the map before the shift, cut into windows" : "the map, cut into windows that stay where they are" }];
  if (far) {
    for (let by = 1; by <= far; by++)
      steps.push({ stage: "Shift", rolled: by, words: `everything moves ${by} up and ${Math.min(by, left)} left; what leaves on one side comes back on the other` });
    steps.push({ stage: "Regions", rolled: far, words: "each token has the number of its region: inside a window only equal numbers are neighbours in the picture" });
    steps.push({ stage: "Mask", rolled: far, words: masked ? "between different regions the mask adds −100 to the scores: the matrix on the right is the token's window" : "without the mask all tokens of a window attend to each other, neighbours or not" });
  }
  steps.push({ stage: "Attend", rolled: far, words: "the chosen token gathers from its partners; all others are pale" });
  for (let by = far - 1; by >= 0; by--)
    steps.push({ stage: "Shift back", rolled: by, words: by ? "the map moves back" : "back in the picture: the partners are a small window at the border, or a whole one inside" });
  return steps;
}

/** The number of the token that stands in row i, column j when the map is rolled so far. */
function standing({ height, width, rows, columns, up, left }, rolled, i, j) {
  const y = (i + Math.min(rolled, up)) % rows, x = (j + Math.min(rolled, left)) % columns;
  return y < height && x < width ? y * width + x : -1;
}

/** Row and column of a token when the map is rolled so far. */
function placed({ width, rows, columns, up, left }, rolled, token) {
  const y = Math.floor(token / width), x = token % width;
  return [(y - Math.min(rolled, up) + rows) % rows, (x - Math.min(rolled, left) + columns) % columns];
}

/** 0: stays; 1: cut from the top; 2: from the left; 3: from both, the corner. As B, C and A in the paper's figure 4. */
function strip({ width, up, left }, token) {
  const y = Math.floor(token / width), x = token % width;
  return (y < up ? 1 : 0) + (x < left ? 2 : 0);
}

/** The tokens of a group, as a set. */
function partners(groups, token) {
  const found = new Set();
  groups.forEach((group, other) => group === groups[token] && found.add(other));
  return found;
}

/** After how many blocks a token has heard of each other one: 0 itself, -1 not at all. `blocks`: groups, first to last. */
function heard(blocks, token) {
  const after = new Array(blocks[0].length).fill(-1);
  after[token] = 0;
  for (let count = 1; count <= blocks.length; count++) {
    let known = new Set([token]);
    for (let block = count - 1; block >= 0; block--) {
      const groups = blocks[block];
      const open = new Set([...known].map((each) => groups[each]));
      known = new Set(groups.flatMap((group, each) => (open.has(group) ? [each] : [])));
    }
    for (const each of known) if (after[each] < 0) after[each] = count;
  }
  return after;
}

/** The numbers of regions in the window that covers row i, column j of the rolled map, row by row. */
function windowOf({ regions, columns, window }, i, j) {
  const top = i - (i % window), start = j - (j % window);
  return Array.from({ length: window * window }, (_, n) => regions[(top + Math.floor(n / window)) * columns + start + (n % window)]);
}

/** The share of pairs with different numbers. */
function apart(numbers) {
  const counts = new Map();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  const same = [...counts.values()].reduce((sum, count) => sum + count * count, 0);
  return 1 - same / numbers.length ** 2;
}

export { apart, heard, partners, placed, standing, stepsOf, strip, windowOf };
