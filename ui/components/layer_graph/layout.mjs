// Where every box stands and how every edge runs.
//
// Each open group is laid out on its own and is then one box in its parent. Inside a group: longest-path ranks from
// top to bottom, barycentre order within a rank, least-squares placement across. Edges that cross a group's border pass
// through its IN and OUT ports. A shortcut (an edge whose ends are also joined by a longer way) does not take part in
// all this: it runs in a lane beside the boxes it jumps over, one lane per source however many targets it has.

export const HEADER = 30; // title bar of an open group
const NODE_HEIGHT = 30,
  GROUP_HEIGHT = 54;
const STACK = 4; // offset of each card behind a folded repeat
const PAD = 16,
  GAP = 22,
  BESIDE = 26;
const LABEL_GAP = 38; // leaves room for a tensor size on the edge
const LANE = 10,
  TIGHT_LANE = 6,
  MANY_LANES = 6;
const IN = "<in>",
  OUT = "<out>";
const SWEEPS = 6,
  DENSE_SWEEPS = 2,
  DENSE = 3000; // fewer passes where there are very many edge segments
const SETTLED = 0.1; // pixels: smaller moves need no further pass
const REAL_WEIGHT = 8; // boxes keep their place; passing edges bend around them

const MAX_TEXT = 36;
export const clip = (text) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);
const guessWidth = (text) => 6.8 * text.length;

/**
 * -> {width, height, boxes, links}
 * boxes: id -> {x, y, w, h, label}, label saying where the tensor's size stands;
 * links: {source, target, group, skip, shapes, from, to, d, way(), arrow, dot, at}, see drawRoute;
 * source and target are children of `group`, or null where the edge goes on through the group's border.
 */
export function layout(model, open, measure = guessWidth) {
  const local = localEdges(model, open);
  const placed = new Map(); // open group -> its inner layout, relative to its own corner
  const size = (id) => {
    if (open.has(id)) {
      placed.set(id, placeInside(id));
      return placed.get(id);
    }
    return closedSize(model.items.get(id), measure);
  };
  const placeInside = (id) =>
    placeGroup(model.children.get(id), local.get(id) ?? [], size, titleWidth(model.items.get(id), measure));

  const whole = placeInside("");
  placed.set("", whole);
  const boxes = new Map(),
    links = [];
  collect("", 0, 0);
  return { width: whole.w, height: whole.h, boxes, links };

  function collect(group, dx, dy) {
    const inner = placed.get(group);
    for (const cell of inner.cells) {
      const x = dx + cell.x - cell.w / 2,
        y = dy + cell.y;
      const label =
        cell.labelled && cell.hasOut ? { x: x + cell.w / 2 + cell.outX, y: y + cell.h + 13 } : null;
      boxes.set(cell.id, { x, y, w: cell.w, h: cell.h, label });
      if (open.has(cell.id)) collect(cell.id, x, y);
    }
    for (const route of inner.routes) {
      const link = drawRoute(route, dx, dy);
      link.group = group;
      links.push(link);
    }
  }
}

function closedSize(item, measure) {
  const labelled = item.resizes;
  if (!item.isGroup)
    return { w: Math.max(76, measure(clip(item.label)) + 30), h: NODE_HEIGHT, inX: 0, outX: 0, labelled };
  const behind = item.repeat > 1 ? 2 * STACK : 0;
  return {
    w: Math.max(150, titleWidth(item, measure)) + behind,
    h: GROUP_HEIGHT + behind,
    inX: -behind / 2,
    outX: -behind / 2,
    labelled,
  };
}

function titleWidth(item, measure) {
  if (!item) return 0;
  return measure(clip(item.title), true) + measure(clip(item.subtitle)) + (item.repeat > 1 ? 34 : 0) + 62;
}

/** The edges of each open group between its children and its ports: group id -> [[source, target, shapes]]. */
function localEdges(model, open) {
  const chains = new Map(); // node -> ["", outermost group, ..., first closed group or the node itself]
  const visibleChain = (id) => {
    if (!chains.has(id)) {
      const chain = [id];
      for (let item = model.items.get(id); item.parent; item = model.items.get(item.parent))
        chain.push(item.parent);
      chain.push("");
      chain.reverse();
      const closed = chain.findIndex((each, i) => i > 0 && !open.has(each));
      chains.set(id, chain.slice(0, closed + 1));
    }
    return chains.get(id);
  };
  const groups = new Map(),
    texts = new Map();
  const within = (map, key) => map.get(key) ?? map.set(key, new Map()).get(key);
  const add = (group, source, target, shape) => {
    const targets = within(within(groups, group), source),
      shapes = targets.get(target);
    if (!shapes) targets.set(target, [shape]);
    else if (!shapes.includes(shape)) shapes.push(shape);
  };
  for (const [source, target] of model.edges) {
    const from = visibleChain(source),
      to = visibleChain(target);
    let split = 0;
    while (split < from.length && split < to.length && from[split] === to[split]) split++;
    if (split >= from.length || split >= to.length) continue; // both ends inside one closed group
    const shape =
      texts.get(source) ?? texts.set(source, (model.items.get(source).shape ?? []).join("×")).get(source);
    add(from[split - 1], from[split], to[split], shape);
    for (let i = split; i < from.length - 1; i++) add(from[i], from[i + 1], OUT, shape);
    for (let i = split; i < to.length - 1; i++) add(to[i], IN, to[i + 1], shape);
  }
  const flat = (bySource) =>
    [...bySource].flatMap(([source, targets]) =>
      [...targets].map(([target, shapes]) => [source, target, shapes]),
    );
  return new Map([...groups].map(([group, bySource]) => [group, flat(bySource)]));
}

function placeGroup(ids, edges, size, minimum) {
  const inside = minimum > 0;
  const cells = new Map();
  const addCell = (id, box, port = false) =>
    cells.set(id, {
      id,
      ...box,
      port,
      lane: false,
      rank: 0,
      x: 0,
      y: 0,
      up: [],
      down: [],
      hasOut: false,
      position: cells.size,
    });
  const point = { w: 2, h: 0, inX: 0, outX: 0 };
  if (edges.some(([source]) => source === IN)) addCell(IN, point, true);
  for (const id of ids) {
    const { w, h, inX, outX, labelled = false } = size(id);
    addCell(id, { w, h, inX, outX, labelled });
  }
  if (edges.some(([, target]) => target === OUT)) addCell(OUT, point, true);
  for (const [source] of edges) cells.get(source).hasOut = true;

  const targets = new Map([...cells.keys()].map((id) => [id, []])); // forward edges only: execution order has no way back
  for (const [source, target, shapes] of edges) {
    if (cells.get(source).position < cells.get(target).position)
      targets.get(source).push({ id: target, shapes });
  }
  const rows = rankRows(cells, targets);
  const shortcuts = findShortcuts(cells, targets);
  const routes = threadEdges(cells, targets, shortcuts, rows);
  orderRows(rows);
  placeAcross(rows);
  const y = placeDown(rows, routes, inside);
  const lanes = placeLanes(rows, routes);

  let left = Infinity,
    far = Math.max(-Infinity, ...lanes.map((lane) => lane.x));
  for (const row of rows)
    for (const cell of row) {
      left = Math.min(left, cell.x - cell.w / 2);
      far = Math.max(far, cell.x + cell.w / 2);
    }
  const w = Math.max(far - left + 2 * PAD, minimum),
    shift = (w - (far - left)) / 2 - left;
  for (const row of rows) for (const cell of row) cell.x += shift;
  for (const lane of lanes) lane.x += shift;
  const port = (id) => (cells.has(id) ? cells.get(id).x - w / 2 : 0);
  return {
    w,
    h: y,
    inX: port(IN),
    outX: port(OUT),
    cells: [...cells.values()].filter((cell) => !cell.port),
    routes,
  };
}

/** Longest-path ranks; the OUT port closes the last row. */
function rankRows(cells, targets) {
  for (const cell of cells.values()) {
    for (const { id } of targets.get(cell.id))
      cells.get(id).rank = Math.max(cells.get(id).rank, cell.rank + 1);
  }
  const last = Math.max(0, ...[...cells.values()].map((cell) => cell.rank));
  if (cells.has(OUT)) cells.get(OUT).rank = Math.max(last, 1);
  const rows = Array.from({ length: Math.max(last, cells.get(OUT)?.rank ?? 0) + 1 }, () => []);
  for (const cell of cells.values()) rows[cell.rank].push(cell);
  return rows;
}

/** source id -> the targets that can also be reached from it by a longer way. */
function findShortcuts(cells, targets) {
  const words = (cells.size >> 5) + 1;
  const reach = new Map();
  const has = (bits, cell) => (bits[cell.position >> 5] >>> (cell.position & 31)) & 1;
  for (const cell of [...cells.values()].reverse()) {
    const bits = new Uint32Array(words);
    for (const { id } of targets.get(cell.id)) {
      const next = cells.get(id),
        beyond = reach.get(id);
      bits[next.position >> 5] |= 1 << (next.position & 31);
      for (let i = 0; i < words; i++) bits[i] |= beyond[i];
    }
    reach.set(cell.id, bits);
  }
  return new Map(
    [...targets].map(([source, list]) => [
      source,
      new Set(
        list
          .filter(({ id }) =>
            list.some((other) => other.id !== id && has(reach.get(other.id), cells.get(id))),
          )
          .map(({ id }) => id),
      ),
    ]),
  );
}

/**
 * Routes for all edges. A long edge that is no shortcut gets one thin cell in every row that it passes;
 * edges of one source share them. Shortcuts of one source share a lane, placed later.
 */
function threadEdges(cells, targets, shortcuts, rows) {
  const routes = [];
  const join = (above, below) => {
    above.down.push(below);
    below.up.push(above);
  };
  for (const [sourceId, list] of targets) {
    const source = cells.get(sourceId);
    const plain = list.filter(({ id }) => !shortcuts.get(sourceId).has(id));
    const chain = [source];
    const far = Math.max(source.rank, ...plain.map(({ id }) => cells.get(id).rank));
    for (let rank = source.rank + 1; rank < far; rank++) {
      const thread = {
        id: null,
        w: 4,
        h: 0,
        inX: 0,
        outX: 0,
        lane: true,
        rank,
        x: 0,
        y: 0,
        up: [],
        down: [],
        position: source.position,
      };
      rows[rank].push(thread);
      join(chain.at(-1), thread);
      chain.push(thread);
    }
    for (const { id, shapes } of plain) {
      const target = cells.get(id),
        length = target.rank - source.rank;
      join(chain[length - 1], target);
      routes.push({ source, target, shapes, skip: false, via: chain.slice(1, length), rows });
    }
    const skips = list
      .filter(({ id }) => shortcuts.get(sourceId).has(id))
      .sort((a, b) => cells.get(a.id).rank - cells.get(b.id).rank);
    const lane = { x: 0, source, last: skips.length ? cells.get(skips.at(-1).id).rank : 0 };
    for (const { id, shapes } of skips) {
      routes.push({
        source,
        target: cells.get(id),
        shapes,
        skip: true,
        lane,
        ends: id === skips.at(-1).id,
        rows,
      });
    }
  }
  return routes;
}

function orderRows(rows) {
  const renumber = (row) =>
    row.forEach((cell, i) => {
      cell.order = i;
    });
  rows.forEach((row) => {
    row.sort((a, b) => a.position - b.position);
    renumber(row);
  });
  const sweep = (row, side) => {
    if (row.length === 1) return;
    for (const cell of row) {
      const near = cell[side];
      cell.pull = near.length ? near.reduce((sum, other) => sum + other.order, 0) / near.length : cell.order;
    }
    row.sort((a, b) => a.pull - b.pull || a.lane - b.lane || a.order - b.order);
    renumber(row);
  };
  for (let i = sweeps(rows); i > 0; i--) {
    for (let r = 1; r < rows.length; r++) sweep(rows[r], "up");
    for (let r = rows.length - 2; r >= 0; r--) sweep(rows[r], "down");
  }
}

const sweeps = (rows) => (rows.reduce((sum, row) => sum + row.length, 0) > DENSE ? DENSE_SWEEPS : SWEEPS);

/** Pull every cell towards its neighbours' ports, keeping order and distance (pool adjacent violators). */
function placeAcross(rows) {
  const space = (a, b) => (a.w + b.w) / 2 + (a.lane || b.lane ? LANE : BESIDE);
  for (const row of rows) {
    let x = 0;
    row.forEach((cell, i) => {
      x += i ? space(row[i - 1], cell) : 0;
      cell.x = x;
    });
    for (const cell of row) cell.x -= x / 2;
  }
  const settle = (row, side) => {
    const [mine, theirs] = side === "up" ? ["inX", "outX"] : ["outX", "inX"];
    const runs = []; // neighbours pushed against each other move as one
    let offset = 0;
    row.forEach((cell, i) => {
      if (i) offset += space(row[i - 1], cell);
      cell.offset = offset;
      const near = cell[side];
      const want = near.length
        ? near.reduce((sum, other) => sum + other.x + other[theirs], 0) / near.length - cell[mine]
        : cell.x;
      const weight = cell.lane ? 1 : REAL_WEIGHT;
      let run = { sum: (want - offset) * weight, weight, from: i, to: i };
      while (runs.length && runs.at(-1).sum / runs.at(-1).weight > run.sum / run.weight) {
        const before = runs.pop();
        run = { sum: before.sum + run.sum, weight: before.weight + run.weight, from: before.from, to: i };
      }
      runs.push(run);
    });
    for (const run of runs) {
      for (let i = run.from; i <= run.to; i++) {
        const x = run.sum / run.weight + row[i].offset;
        moved = Math.max(moved, Math.abs(x - row[i].x));
        row[i].x = x;
      }
    }
  };
  let moved = Infinity;
  for (let i = sweeps(rows); i > 0 && moved > SETTLED; i--) {
    moved = 0;
    for (let r = 1; r < rows.length; r++) settle(rows[r], "up");
    for (let r = rows.length - 2; r >= 0; r--) settle(rows[r], "down");
  }
  for (let r = 1; r < rows.length; r++) settle(rows[r], "up"); // what flows down a chain ends up straight
}

/** Rows from top to bottom; returns the height. Gaps are wider where a tensor size stands on the edge. */
function placeDown(rows, routes, inside) {
  let y = inside ? HEADER : PAD;
  if (inside && !rows[0].some((cell) => cell.port)) y += PAD;
  rows.forEach((row, r) => {
    const height = Math.max(0, ...row.map((cell) => cell.h));
    const last = r === rows.length - 1;
    const gap = row.some((cell) => cell.labelled && cell.hasOut) ? LABEL_GAP : GAP;
    row.top = y;
    row.bottom = y + height;
    for (const cell of row) cell.y = y;
    y += height + (last ? (row.some((cell) => cell.port) ? 0 : PAD) : gap);
    row.next = y;
  });
  const taken = new Map(); // shortcuts that leave one row do so at different heights
  for (const route of routes) {
    if (!route.skip || route.lane.exit) continue;
    const row = rows[route.source.rank],
      nth = taken.get(row) ?? 0;
    taken.set(row, nth + 1);
    route.lane.exit = row.next - 12 - 4 * (nth % 3);
  }
  return y;
}

/** Short lanes inside, long ones outside; lanes that do not meet share a place. */
function placeLanes(rows, routes) {
  const edge = rows.map((row) => Math.max(...row.map((cell) => cell.x + cell.w / 2)));
  for (const route of routes) {
    // From the side where nothing stands in the way, otherwise from above.
    if (route.skip) route.sideways = !route.target.port && rows[route.target.rank].at(-1) === route.target;
  }
  const lanes = [...new Set(routes.filter((route) => route.skip).map((route) => route.lane))];
  lanes.sort((a, b) => a.last - a.source.rank - (b.last - b.source.rank) || b.source.rank - a.source.rank);
  const pitch = lanes.length > MANY_LANES ? TIGHT_LANE : LANE;
  const busy = rows.map(() => -Infinity); // outermost lane so far in each row
  for (const lane of lanes) {
    let x = -Infinity;
    for (let r = lane.source.rank + 1; r <= lane.last; r++) x = Math.max(x, edge[r] + PAD, busy[r] + pitch);
    lane.x = Math.max(x, lane.source.x + lane.source.outX + PAD);
    for (let r = lane.source.rank + 1; r <= lane.last; r++) busy[r] = lane.x;
  }
  return lanes;
}

/**
 * A link: `d` is what it adds to the drawing, `way()` its whole way. They differ where targets share a lane:
 * there the last one draws the lane, and each of the others its own end, with a dot where it leaves the lane.
 */
function drawRoute(route, dx, dy) {
  const { source, target, shapes, skip, lane, ends, sideways } = route;
  const start = { x: dx + source.x + source.outX, y: dy + source.y + source.h };
  const end = { x: dx + target.x + target.inX, y: dy + target.y };
  const link = {
    source: source.port ? null : source.id,
    target: target.port ? null : target.id,
    skip,
    shapes,
    at: { x: start.x, y: start.y + 13 },
    from: start.y,
    to: end.y,
    arrow: target.port ? null : { ...end, sideways: false },
    dot: null,
  };
  if (!skip) {
    link.d = plainPath(route, start, end, dx, dy);
    link.way = () => link.d;
    return link;
  }
  const laneX = dx + lane.x,
    exit = dy + lane.exit;
  const enter = sideways ? end.y + Math.min(target.h, HEADER) / 2 : end.y - 8;
  const down = `M${f(start.x)} ${f(start.y)}V${f(exit - BEND)}q0 ${BEND} ${BEND} ${BEND}H${f(laneX - BEND)}q${BEND} 0 ${BEND} ${BEND}`;
  const turn = `V${f(enter - BEND)}q0 ${BEND} ${-BEND} ${BEND}`;
  const stop = dx + target.x + target.w / 2;
  const last = sideways ? `H${f(stop)}` : `H${f(end.x + BEND)}q${-BEND} 0 ${-BEND} ${BEND}V${f(end.y)}`;
  link.way = () => down + turn + last;
  link.d = ends ? link.way() : `M${f(laneX)} ${f(enter)}${last}`;
  if (!ends) link.dot = { x: laneX, y: enter };
  if (sideways) {
    link.to = enter;
    link.arrow = { x: stop, y: enter, sideways: true };
  }
  return link;
}

const BEND = 7;
const f = (value) => Math.round(value * 10) / 10;

/** Straight past the boxes of a row, an S between two rows. */
function plainPath({ source, via, rows }, start, end, dx, dy) {
  let x = start.x,
    y = dy + rows[source.rank].bottom;
  let d = `M${f(x)} ${f(start.y)}V${f(y)}`;
  const curve = (toX, toY) => {
    const middle = f((y + toY) / 2);
    d +=
      Math.abs(toX - x) < 0.5 ? `V${f(toY)}` : `C${f(x)} ${middle} ${f(toX)} ${middle} ${f(toX)} ${f(toY)}`;
    x = toX;
  };
  for (const cell of via) {
    curve(dx + cell.x, dy + rows[cell.rank].top);
    y = dy + rows[cell.rank].bottom;
    d += `V${f(y)}`;
  }
  curve(end.x, end.y);
  return d;
}
