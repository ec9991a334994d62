// A page of a run that is at work loads its data again: by a script, since a page of file:// may
// not ask for anything else. Where not even that is allowed, it says so.
let heard = 0;
let isDeaf = false;
let timer = 0;
const receive = (given) => {
  isDeaf = false;
  if (data && given.made === data.made) return;
  data = given;
  heard = performance.now();
  unpack();
  for (const part of parts) part.draw();
  sift();
  age();
};
const age = () => {
  const made = `as of ${when(data.made)} UTC`;
  const seconds = (performance.now() - heard) / 1000;
  const pause = data.live?.pause ?? 0;
  const isLate = data.live && seconds > 3 * pause + 60;
  $("age").className = isLate || isDeaf ? "late" : "";
  if (!data.live) $("age").textContent = made;
  else if (isLate) $("age").textContent = `${made}: no news for ${span(seconds)}; the run may have died`;
  else if (isDeaf) $("age").textContent = `${made}, while a run is at work; this viewer lets the page load nothing: reload it to see more`;
  else $("age").textContent = `${made}, ${span(seconds)} ago; a run is at work, renewed every ${span(pause)}`;
};
const load = () => {
  clearTimeout(timer);
  if (!data.live) return;
  const script = make("script");
  const before = data.made;
  const next = (wait) => {
    script.remove();
    age();
    clearTimeout(timer);
    if (data.live) timer = setTimeout(load, 1000 * wait);
  };
  script.onload = () => next(data.made === before ? Math.max(data.live?.pause / 6, 2) : data.live?.pause);
  script.onerror = () => {
    isDeaf = true;
    next(data.live.pause);
  };
  script.src = `${data.links.data}?${Date.now()}`;
  document.head.append(script);
};
window.xsarBatch = { receive };
receive(JSON.parse($("data").textContent));
if (data.live) {
  load();
  setInterval(age, 5000);
  document.addEventListener("visibilitychange", () => document.hidden || load());
}
