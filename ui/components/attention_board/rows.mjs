// What can be asked of attention weights: which slot a token has, and the weights of its row at their places.
// `places` (groups x tokens, flat): y * width + x of each slot, -1 for the class token and for padding.

/**
 * Weights from base64 texts: bytes of each row relative to its largest weight for a place, that largest, and what goes
 * to the class token and to padding, both as float32.
 */
function unpacked({ bytes, largest, rest }) {
  const read = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const floats = (text) => new Float32Array(read(text).buffer);
  return { bytes: read(bytes), largest: floats(largest), rest: floats(rest) };
}

/** The slot of a token, group * tokens + place; that of the class token is 0. */
function slotOf(places, token) {
  return token === "class" ? 0 : places.indexOf(token);
}

/** A token's weights by token (-1: it cannot attend there), the largest of them, and the rest. */
function rowOf({ places, tokens, height, width, groups }, { bytes, largest, rest }, token) {
  const slot = slotOf(places, token), group = Math.floor(slot / tokens);
  const found = new Array(height * width).fill(-1);
  for (let n = 0; n < tokens; n++) {
    const place = places[group * tokens + n];
    if (place < 0) continue;
    if (token === "class" || groups[place] === groups[token]) found[place] = (bytes[slot * tokens + n] / 255) * largest[slot];
  }
  return { weights: found, rest: rest[slot], most: largest[slot] };
}

/** "row,column" as a number, "class" as it is; null where it is neither or outside. */
function tokenOf(word, { height, width }) {
  if (word === "class") return word;
  const [y, x] = word.split(",").map(Number);
  return y >= 0 && x >= 0 && y < height && x < width ? y * width + x : null;
}

function wordOf(token, { width }) {
  return token === "class" ? token : `${Math.floor(token / width)},${token % width}`;
}

/** The colour at 0..1 on a scale of evenly spaced #rrggbb. */
function shade(scale, share) {
  const at = Math.max(0, Math.min(1, share)) * (scale.length - 1), low = Math.min(Math.floor(at), scale.length - 2);
  const parts = [0, 1, 2].map((part) => {
    const [a, b] = [scale[low], scale[low + 1]].map((colour) => parseInt(colour.slice(1 + 2 * part, 3 + 2 * part), 16));
    return Math.round(a + (at - low) * (b - a));
  });
  return `rgb(${parts.join(" ")})`;
}

export { rowOf, shade, slotOf, tokenOf, unpacked, wordOf };
