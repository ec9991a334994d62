// The map: SVG paths in units of its window, which Python has worked out. The browser itself says
// which of them lie under the pointer.
const world = $("world");
const frame = $("frame");
// What is drawn last lies on top: what needs a look.
const LAYERS = ["done", "pending", "running", "failed"];
let view = { x: 0, y: 0, zoom: 1 };
let pathOf = new Map();
let nameOf = new Map();
let hidden = new Set();
let labels = [];
let windowNow = "";
const patterns = [...world.querySelectorAll("pattern")].map((pattern) => [
  pattern,
  pattern.getAttribute("patternTransform").split(" ")[0],
]);

const MOST = 32;
const look = (x, y, zoom) => {
  const { width, height } = data.map;
  zoom = Math.min(Math.max(zoom, 1), MOST);
  view = {
    x: Math.min(Math.max(x, 0), width - width / zoom),
    y: Math.min(Math.max(y, 0), height - height / zoom),
    zoom,
  };
  world.setAttribute("viewBox", `${view.x} ${view.y} ${width / zoom} ${height / zoom}`);
  dress();
};
// Labels and patterns keep their size. Labels that would lie on each other are left out.
const dress = () => {
  const { width, height } = data.map;
  const scale = width / view.zoom / (world.clientWidth || 1300);
  for (const [pattern, turn] of patterns) pattern.setAttribute("patternTransform", `${turn} scale(${scale})`);
  const placed = (per, size, start) => (((per / 100) * size - start) * view.zoom * 100) / size;
  const near = { left: 5200 / (world.clientWidth || 1300), top: 2000 / (world.clientHeight || 600) };
  const last = { left: -99, top: -99 };
  for (const [label, left, top] of labels) {
    const x = left === null ? 50 : placed(left, width, view.x);
    const y = top === null ? 50 : placed(top, height, view.y);
    if (left !== null) label.style.left = `${x}%`;
    if (top !== null) label.style.top = `${y}%`;
    label.hidden = x < 2 || x > 98 || y < 2 || y > 97;
    if (label.hidden || (left !== null && top !== null)) continue;
    const [kind, at] = top === null ? ["left", x] : ["top", y];
    label.hidden = Math.abs(at - last[kind]) < near[kind];
    if (!label.hidden) last[kind] = at;
  }
};
const toward = (x, y, factor) => {
  // The place under (x, y), in shares of the frame, stays where it is.
  const zoom = Math.min(Math.max(view.zoom * factor, 1), MOST);
  const shift = 1 / view.zoom - 1 / zoom;
  look(view.x + x * data.map.width * shift, view.y + y * data.map.height * shift, zoom);
};
const move = (x, y) =>
  look(view.x + (x * data.map.width) / view.zoom, view.y + (y * data.map.height) / view.zoom, view.zoom);
const share = (event) => {
  const box = world.getBoundingClientRect();
  return [(event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height];
};
const lookAtBox = (box, room) => {
  const { width, height } = data.map;
  const zoom = Math.min(width / (box.width * room), height / (box.height * room), 12);
  look(box.x + box.width / 2 - width / zoom / 2, box.y + box.height / 2 - height / zoom / 2, Math.max(zoom, 1));
};
const lookAt = (row) => {
  lookAtBox(pathOf.get(row.name).getBBox(), 5);
  frame.scrollIntoView({ block: "center" });
};
// The map opens on what is drawn; the button shows what is around it.
const lookAtAll = () => {
  const boxes = LAYERS.map((state) => world.querySelector(`g[data-layer="${state}"]`).getBBox()).filter((box) => box.width);
  if (!boxes.length) return look(0, 0, 1);
  const [x, y] = [d3.min(boxes, (box) => box.x), d3.min(boxes, (box) => box.y)];
  const [u, v] = [d3.max(boxes, (box) => box.x + box.width), d3.max(boxes, (box) => box.y + box.height)];
  lookAtBox({ x, y, width: u - x, height: v - y }, 1.25);
};
$("closer").onclick = () => toward(0.5, 0.5, 1.6);
$("farther").onclick = () => toward(0.5, 0.5, 1 / 1.6);
$("whole").onclick = () => look(0, 0, 1);
addEventListener("resize", () => data && dress());

const SVG = "http://www.w3.org/2000/svg";
const drawBackground = ({ width, height, land, lines, linear, opacity }) => {
  frame.classList.toggle("polar", !linear.length);
  $("land").setAttribute("d", land);
  $("sea").setAttribute("width", width);
  $("sea").setAttribute("height", height);
  $("graticule").setAttribute("d", lines.map(([path]) => path).join(""));
  world.querySelector('g[data-layer="done"]').setAttribute("fill-opacity", opacity.done);
  for (const kind of ["fill-opacity", "stroke-opacity"])
    world.querySelector('g[data-layer="failed"]').setAttribute(kind, opacity.failed);
  for (const [label] of labels) label.remove();
  labels = lines.filter(([, text]) => text).map(([, text, left, top]) => {
    const label = make("span", text, `degrees ${top === null ? "meridian" : left === null ? "parallel" : "both"}`);
    label.setAttribute("aria-hidden", "true");
    frame.append(label);
    return [label, left, top];
  });
};
const markOnMap = () => $("mark").setAttribute("d", rowOf.get(shown)?.path || "");

parts.push({
  draw() {
    drawBackground(data.map);
    pathOf = new Map();
    nameOf = new Map();
    hidden = new Set();
    for (const state of LAYERS) {
      const made = rows.filter((row) => row.state === state && row.path).map((row) => {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", row.path);
        pathOf.set(row.name, path);
        nameOf.set(path, row.name);
        return path;
      });
      world.querySelector(`g[data-layer="${state}"]`).replaceChildren(...made);
    }
    // New data leave the view as it is, unless the window is another one.
    if (windowNow !== data.map.window) lookAtAll();
    else look(view.x, view.y, view.zoom);
    windowNow = data.map.window;
    markOnMap();
    const without = rows.length - pathOf.size;
    const notes = [
      without ? `${many(without, "SAFE")} ${without === 1 ? "is" : "are"} not on the map: no footprint is known.` : "",
      data.map.trouble ? `There is no coastline: ${data.map.trouble}.` : "",
    ];
    $("without").textContent = notes.filter(Boolean).join(" ");
  },
  sift(found) {
    for (const state of LAYERS) {
      world.querySelector(`g[data-layer="${state}"]`).classList.toggle("off", filter.off.has(state));
    }
    const names = filter.words.length || filter.picked ? new Set(found.map((row) => row.name)) : null;
    for (const [name, path] of pathOf) {
      const isOut = Boolean(names) && !names.has(name) && !filter.off.has(rowOf.get(name).state);
      if (isOut !== hidden.has(path)) {
        path.classList.toggle("off", isOut);
        hidden[isOut ? "add" : "delete"](path);
      }
    }
  },
});

// -- pointing and dragging -----------------------------------------------------------------------

const rowsAt = (x, y) =>
  document.elementsFromPoint(x, y).map((path) => rowOf.get(nameOf.get(path))).filter(Boolean);
const listAt = (x, y) => {
  const there = rowsAt(x, y);
  if (there.length === 1) showOne(there[0].name);
  else if (there.length) pick(there, `${many(there.length, "SAFE")} at one place`);
};
const degrees = (value, positive, negative) => `${Math.abs(value).toFixed(2)}°${value < 0 ? negative : positive}`;
const position = (x, y) => {
  if (!data.map.linear.length) return "";
  const [west, north, eastward, downward] = data.map.linear;
  const longitude = west + eastward * (view.x + (x * data.map.width) / view.zoom);
  const latitude = north + downward * (view.y + (y * data.map.height) / view.zoom);
  return `${degrees(latitude, "N", "S")} ${degrees(((longitude + 540) % 360) - 180, "E", "W")}`;
};
const tip = $("tip");
const point = (event) => {
  $("position").textContent = position(...share(event));
  const there = rowsAt(event.clientX, event.clientY);
  tip.hidden = !there.length;
  if (!there.length) return;
  tip.replaceChildren();
  if (there.length > 1) tip.append(make("strong", `${many(there.length, "SAFE")}: ${counted(there)}`));
  for (const row of there.slice(0, 6)) {
    tip.append(make("div", `${data.states[row.state].sign} ${row.name} · ${row.kind}`));
  }
  if (there.length > 6) tip.append(make("div", `and ${there.length - 6} more: click`, "soft"));
  const box = frame.getBoundingClientRect();
  const [x, y] = [event.clientX - box.x, event.clientY - box.y];
  const right = x + 16 + tip.offsetWidth > box.width;
  const below = y + 16 + tip.offsetHeight > box.height;
  tip.style.left = `${Math.max(right ? x - 16 - tip.offsetWidth : x + 16, 4)}px`;
  tip.style.top = `${Math.max(below ? y - 16 - tip.offsetHeight : y + 16, 4)}px`;
};
let held = null;
let last = null;
world.addEventListener("pointermove", (event) => {
  if (held) {
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(x, y) < 4) return;
    held.moved = true;
    tip.hidden = true;
    world.classList.add("dragged");
    const box = world.getBoundingClientRect();
    look(
      held.from.x - (x / box.width) * (data.map.width / view.zoom),
      held.from.y - (y / box.height) * (data.map.height / view.zoom),
      view.zoom,
    );
    return;
  }
  // Once a frame is often enough.
  if (!last) {
    requestAnimationFrame(() => {
      point(last);
      last = null;
    });
  }
  last = event;
});
world.addEventListener("pointerleave", () => {
  tip.hidden = true;
  $("position").textContent = "";
});
world.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  held = { x: event.clientX, y: event.clientY, from: view, moved: false };
  world.setPointerCapture(event.pointerId);
});
world.addEventListener("pointerup", (event) => {
  const isClick = held && !held.moved;
  held = null;
  world.classList.remove("dragged");
  if (isClick) listAt(event.clientX, event.clientY);
});
world.addEventListener("pointercancel", () => (held = null));
frame.addEventListener(
  "wheel",
  (event) => {
    // Whoever scrolls past the map does not want to zoom.
    if (!event.ctrlKey && !event.metaKey && !frame.contains(document.activeElement)) return;
    event.preventDefault();
    toward(...share(event), Math.exp(-event.deltaY / 400));
  },
  { passive: false },
);
frame.addEventListener("keydown", (event) => {
  if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = world.getBoundingClientRect();
  const acts = {
    ArrowLeft: () => move(-0.15, 0),
    ArrowRight: () => move(0.15, 0),
    ArrowUp: () => move(0, -0.15),
    ArrowDown: () => move(0, 0.15),
    "+": () => toward(0.5, 0.5, 1.6),
    "=": () => toward(0.5, 0.5, 1.6),
    "-": () => toward(0.5, 0.5, 1 / 1.6),
    0: () => look(0, 0, 1),
    Enter: () => listAt(box.x + box.width / 2, box.y + box.height / 2),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
});
