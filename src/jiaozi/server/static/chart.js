// Draws payments by the minute from /api/overview. The table below the chart has the same numbers.
"use strict";
(() => {
  const box = document.getElementById("chart");
  const MINUTE = 60, SHOWN = 240, HEIGHT = 240, REST_MS = 1000;
  const language = document.documentElement.lang;
  const numbers = new Intl.NumberFormat(language);
  const clock = new Intl.DateTimeFormat(language, { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chart = null, data = null, isBusy = false, isDue = false;

  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const width = () => Math.max(200, box.clientWidth);

  // A minute without payments is not in the answer: it counts as none.
  function columns(minutes) {
    const found = new Map(minutes.map(one => [Date.parse(one.start) / 1000, one]));
    const last = Math.max(...found.keys());
    const first = Math.max(Math.min(...found.keys()), last - (SHOWN - 1) * MINUTE);
    const times = [];
    for (let time = first; time <= last; time += MINUTE) times.push(time);
    const of = name => times.map(time => found.get(time)?.[name] ?? 0);
    return [times, of("accepted"), of("refused")];
  }

  function options() {
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `12px ${colour("--sans")}` };
    // Bars, because each minute is a count of its own and the next may have none.
    const bars = uPlot.paths.bars({ size: [0.85, 14, 1], align: 0 });
    const series = (label, name) => ({
      label, stroke: colour(name), fill: colour(name), width: 0, paths: bars,
      points: { show: false }, value: (_, value) => value == null ? "–" : numbers.format(value),
    });
    return {
      width: width(), height: HEIGHT, padding: [12, 24, 0, 0],
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: true, range: (_, min, max) => min === max ? [min - 5 * MINUTE, max + 5 * MINUTE] : [min - MINUTE / 2, max + MINUTE / 2] }, y: { range: (_, min, max) => [0, Math.max(4, max * 1.1)] } },
      axes: [
        { ...axis, size: 32, space: 70, incrs: [1, 5, 10, 15, 30, 60, 120, 240].map(n => n * MINUTE), values: (_, splits) => splits.map(time => clock.format(time * 1000)) },
        { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6], values: (_, splits) => splits.map(value => numbers.format(value)) },
      ],
      series: [{ label: box.dataset.minute, value: (_, time) => time == null ? "" : clock.format(time * 1000) }, series(box.dataset.accepted, "--accepted"), series(box.dataset.refused, "--refused")],
    };
  }

  function draw() {
    if (chart) chart.destroy();
    box.replaceChildren();
    chart = new uPlot(options(), data, box);
  }

  async function refresh() {
    if (isBusy) { isDue = true; return; }
    isBusy = true;
    try {
      const answer = await fetch(box.dataset.url);
      const minutes = answer.ok ? (await answer.json()).payments.minutes : [];
      if (minutes.length) {
        data = columns(minutes);
        chart ? chart.setData(data) : draw();
      }
    } catch {
      // The stream says "reconnecting"; the next event asks again.
    }
    setTimeout(() => { isBusy = false; if (isDue) { isDue = false; refresh(); } }, REST_MS);
  }

  dark.addEventListener("change", () => data && draw());
  new ResizeObserver(() => chart && chart.setSize({ width: width(), height: HEIGHT })).observe(box);
  document.addEventListener("htmx:sse:after:message", refresh);
  refresh();
})();
