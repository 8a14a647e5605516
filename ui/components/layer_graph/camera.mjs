// Where the picture stands in the canvas, and where the hover card finds room. Pure: boxes and sizes in, numbers out.
//
// `graph` is {width, height} in its own units, `room` the pixels of the canvas that nothing lies over; a view is
// {x, y, zoom}, the graph's corner in the canvas and its scale.

export const MARGIN = 20; // pixels kept free around the graph
const LARGEST_FIT = 1.6;
const CARD_GAP = 14,
  CARD_EDGE = 8;
const OWN_BOX = 10; // hiding the box that a card speaks of is that much worse than hiding another

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Keep an extent inside where it fits; where it does not, leave no empty room beyond its ends. */
function hold(at, extent, room) {
  const start = MARGIN,
    end = room - MARGIN - extent;
  return clamp(at, Math.min(start, end), Math.max(start, end));
}

/** Does so much lie outside the canvas that an overview helps? */
export function exceeds(graph, zoom, size) {
  return graph.height * zoom >= size.height * 1.15 || graph.width * zoom >= size.width * 1.15;
}

/**
 * All of the graph where that keeps its zoom at `least`. Otherwise as wide as the room allows, up to natural size
 * and not below `narrowest`, with the graph's height `middle` in the middle. `overview` pixels stay free beside it.
 */
export function fitted(graph, size, { least, narrowest = 0, middle = 0, overview = 0 }) {
  const across = size.width - 2 * MARGIN,
    down = size.height - 2 * MARGIN;
  const whole = Math.min(across / graph.width, down / graph.height, LARGEST_FIT);
  if (whole >= least) {
    return {
      zoom: whole,
      x: (size.width - graph.width * whole) / 2,
      y: (size.height - graph.height * whole) / 2,
    };
  }
  const zoom = clamp((across - overview) / graph.width, Math.max(whole, narrowest), 1);
  return {
    zoom,
    x: (size.width - overview - graph.width * zoom) / 2,
    y: hold(size.height / 2 - middle * zoom, graph.height * zoom, size.height),
  };
}

/** The corner that brings a box to the middle, as far as that shows more of the graph and not of the void. */
export function centred(box, graph, zoom, room) {
  const h = Math.min(box.h, room.height * 0.7); // of a tall block, its upper end
  return {
    x: hold(room.width / 2 - (box.x + box.w / 2) * zoom, graph.width * zoom, room.width),
    y: hold(room.height / 2 - (box.y + h / 2) * zoom, graph.height * zoom, room.height),
  };
}

/** {x, y} for a card about `box`: where it hides least of it and of the `others`, and there as near as can be. */
export function besideBox(card, box, others, room) {
  const columns = [
    box.x + box.w + CARD_GAP,
    box.x - CARD_GAP - card.w,
    box.x,
    room.width - card.w - CARD_EDGE,
    CARD_EDGE,
  ];
  const rows = [box.y, box.y + box.h + CARD_GAP, box.y - CARD_GAP - card.h, room.height - card.h - CARD_EDGE];
  let best = null;
  for (const row of rows) {
    for (const column of columns) {
      const spot = {
        x: clamp(column, CARD_EDGE, Math.max(CARD_EDGE, room.width - card.w - CARD_EDGE)),
        y: clamp(row, CARD_EDGE, Math.max(CARD_EDGE, room.height - card.h - CARD_EDGE)),
      };
      const taken = { ...spot, w: card.w, h: card.h };
      const hidden = others.reduce((sum, other) => sum + overlap(taken, other), OWN_BOX * overlap(taken, box));
      const far = gap(taken.x, card.w, box.x, box.w) + gap(taken.y, card.h, box.y, box.h);
      if (!best || hidden < best.hidden || (hidden === best.hidden && far < best.far))
        best = { spot, hidden, far };
    }
  }
  return best.spot;
}

function overlap(a, b) {
  const across = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x),
    down = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}

const gap = (a, extent, b, other) => Math.max(0, a - (b + other), b - (a + extent));
