"use strict";
// Map, search and printing. All that comes from SAFEs is put in as text, never as HTML.
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, text = "", name = "") => {
    const element = document.createElement(tag);
    element.textContent = text;
    element.className = name;
    return element;
  };
  const data = JSON.parse($("data").textContent);
  const layers = data.layers.map((layer) => ({
    ...layer,
    names: layer.names.split("\n"),
    classes: layer.classes.split("\n"),
    group: document.querySelector(`g[data-layer="${layer.state}"]`),
  }));
  const many = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  // -- SAFEs: a SAFE is its layer and its place in it; the first ones of a layer are drawn -------

  const word = ([layer, place]) => {
    const kind = layer.classes[place];
    return kind && kind !== layer.state ? `${layer.state}: ${kind}` : layer.state;
  };
  const drawn = ([layer, place]) => layer.group.children[place];
  let placeOf = null;
  const safeOf = (path) => {
    if (!placeOf) {
      placeOf = new Map();
      for (const layer of layers) {
        [...layer.group.children].forEach((child, place) => placeOf.set(child, [layer, place]));
      }
    }
    return placeOf.get(path);
  };
  // What needs a look comes first: it lies on top.
  const safesAt = (x, y) => document.elementsFromPoint(x, y).map(safeOf).filter(Boolean);
  const counted = (safes) => {
    const states = new Map();
    for (const [layer] of safes) states.set(layer, (states.get(layer) || 0) + 1);
    return [...states].map(([layer, count]) => `${layer.sign} ${count} ${layer.state}`).join(", ");
  };

  // -- the view ----------------------------------------------------------------------------------

  const world = $("world");
  const frame = $("frame");
  const [, , width, height] = world.getAttribute("viewBox").split(" ").map(Number);
  let view = { x: 0, y: 0, zoom: 1 };
  const look = (x, y, zoom) => {
    zoom = Math.min(Math.max(zoom, 1), 32);
    view = {
      x: Math.min(Math.max(x, 0), width - width / zoom),
      y: Math.min(Math.max(y, 0), height - height / zoom),
      zoom,
    };
    world.setAttribute("viewBox", `${view.x} ${view.y} ${width / zoom} ${height / zoom}`);
    dress();
  };
  // Labels and patterns keep their size.
  const patterns = [...world.querySelectorAll("pattern")].map((pattern) => [
    pattern,
    pattern.getAttribute("patternTransform").split(" ")[0],
  ]);
  const labels = [...frame.querySelectorAll(".degrees")].map((label) => [label, { ...label.dataset }]);
  const dress = () => {
    const scale = width / view.zoom / (world.clientWidth || 1300);
    for (const [pattern, turn] of patterns) {
      pattern.setAttribute("patternTransform", `${turn} scale(${scale})`);
    }
    const placed = (per, size, start) => (((per / 100) * size - start) * view.zoom * 100) / size;
    for (const [label, { left, top }] of labels) {
      const x = left === "" ? 50 : placed(+left, width, view.x);
      const y = top === "" ? 50 : placed(+top, height, view.y);
      if (left !== "") label.style.left = `${x}%`;
      if (top !== "") label.style.top = `${y}%`;
      label.hidden = x < 2 || x > 98 || y < 2 || y > 98;
    }
  };
  const toward = (x, y, factor) => {
    // The place under (x, y), in shares of the frame, stays where it is.
    const zoom = Math.min(Math.max(view.zoom * factor, 1), 32);
    const shift = 1 / view.zoom - 1 / zoom;
    look(view.x + x * width * shift, view.y + y * height * shift, zoom);
  };
  const share = (event) => {
    const box = world.getBoundingClientRect();
    return [(event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height];
  };
  const move = (x, y) => look(view.x + (x * width) / view.zoom, view.y + (y * height) / view.zoom, view.zoom);
  $("closer").onclick = () => toward(0.5, 0.5, 1.6);
  $("farther").onclick = () => toward(0.5, 0.5, 1 / 1.6);
  $("whole").onclick = () => look(0, 0, 1);
  addEventListener("resize", dress);
  for (const box of document.querySelectorAll("input[data-layer]")) {
    const show = () => {
      const layer = world.querySelector(`g[data-layer="${box.dataset.layer}"]`);
      layer.classList.toggle("off", !box.checked);
    };
    box.onchange = show;
    // A browser may remember what was ticked before the page was loaded again.
    show();
  }

  // -- pointing ----------------------------------------------------------------------------------

  const tip = $("tip");
  const degrees = (value, positive, negative) =>
    `${Math.abs(value).toFixed(2)}°${value < 0 ? negative : positive}`;
  const position = (x, y) => {
    if (!data.linear.length) return "";
    const [west, north, eastward, downward] = data.linear;
    const longitude = west + eastward * (view.x + (x * width) / view.zoom);
    const latitude = north + downward * (view.y + (y * height) / view.zoom);
    return `${degrees(latitude, "N", "S")} ${degrees(((longitude + 540) % 360) - 180, "E", "W")}`;
  };
  const point = (event) => {
    $("position").textContent = position(...share(event));
    const safes = safesAt(event.clientX, event.clientY);
    tip.hidden = !safes.length;
    if (!safes.length) return;
    tip.replaceChildren();
    if (safes.length > 1) tip.append(make("strong", `${many(safes.length, "SAFE")}: ${counted(safes)}`));
    for (const safe of safes.slice(0, 6)) {
      tip.append(make("div", `${safe[0].sign} ${safe[0].names[safe[1]]} · ${word(safe)}`));
    }
    if (safes.length > 6) tip.append(make("div", `and ${safes.length - 6} more: click`, "soft"));
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
        held.from.x - (x / box.width) * (width / view.zoom),
        held.from.y - (y / box.height) * (height / view.zoom),
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
    const click = held && !held.moved;
    held = null;
    world.classList.remove("dragged");
    if (click) list(safesAt(event.clientX, event.clientY), "here");
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
      Enter: () => list(safesAt(box.x + box.width / 2, box.y + box.height / 2), "in the middle"),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });

  // -- a list of SAFEs below the map -------------------------------------------------------------

  const SHOWN = 100;
  const list = (safes, where) => {
    const here = $("here");
    here.replaceChildren();
    $("mark").setAttribute("d", "");
    here.append(make("p", safes.length ? `${many(safes.length, "SAFE")} ${where}: ${counted(safes)}` : `No SAFE ${where}`));
    const lines = make("ul");
    for (const safe of safes.slice(0, SHOWN)) {
      const [layer, place] = safe;
      const line = make("li");
      line.append(make("span", layer.sign, `sign ${layer.state}`), ` ${word(safe)} `, make("code", layer.names[place]), " ");
      if (layer.state !== "pending") {
        const log = make("a", "log");
        log.href = `${data.logs}/${encodeURIComponent(layer.names[place])}.log`;
        line.append(log, " ");
      }
      if (drawn(safe)) {
        const show = make("button", "on the map");
        show.type = "button";
        show.onclick = () => showOnMap(safe);
        line.append(show);
      }
      lines.append(line);
    }
    here.append(lines);
    if (safes.length > SHOWN) here.append(make("span", `and ${(safes.length - SHOWN).toLocaleString("en")} more`, "note"));
  };
  const showOnMap = (safe) => {
    const path = drawn(safe);
    const box = path.getBBox();
    const zoom = Math.min(width / box.width, height / box.height) / 5;
    look(box.x + box.width / 2 - width / zoom / 2, box.y + box.height / 2 - height / zoom / 2, zoom);
    $("mark").setAttribute("d", path.getAttribute("d"));
    frame.scrollIntoView({ block: "nearest" });
  };
  const late = (act) => {
    let timer = 0;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(act, 150);
    };
  };
  $("find").oninput = late(() => {
    const wanted = $("find").value.trim().toUpperCase().replace(/\.SAFE$/, "");
    if (wanted.length < 2) {
      $("here").replaceChildren();
      $("mark").setAttribute("d", "");
      return;
    }
    const safes = [];
    for (const layer of [...layers].reverse()) {
      layer.names.forEach((name, place) => {
        if (name.toUpperCase().includes(wanted)) safes.push([layer, place]);
      });
    }
    list(safes, `with ${wanted} in the name`);
  });

  // -- search among the failures -----------------------------------------------------------------

  const search = $("search");
  if (search) {
    const groups = [...document.querySelectorAll(".group")].map((group) => ({
      group,
      cause: group.querySelector(".cause").textContent.toLowerCase(),
      lines: [...group.querySelectorAll("li")].map((line) => [line, line.textContent.toLowerCase()]),
    }));
    search.oninput = late(() => {
      const wanted = search.value.trim().toLowerCase();
      let found = 0;
      for (const { group, cause, lines } of groups) {
        const whole = !wanted || cause.includes(wanted);
        let here = 0;
        for (const [line, text] of lines) {
          const fits = whole || text.includes(wanted);
          line.classList.toggle("unwanted", !fits);
          here += fits;
        }
        group.classList.toggle("unwanted", !here);
        group.open = Boolean(wanted) && here > 0;
        for (const more of group.querySelectorAll(".more")) more.open = Boolean(wanted);
        found += here;
      }
      for (const one of document.querySelectorAll(".class")) {
        one.classList.toggle("unwanted", !one.querySelector(".group:not(.unwanted)"));
      }
      $("found").textContent = wanted ? `${many(found, "SAFE")} of those listed here` : "";
    });
  }

  // -- paper: what is folded is opened, and folded again -----------------------------------------

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.print:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });

  dress();
})();
