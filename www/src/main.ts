/** Starts the page: one store, one component tree, and the window that scripts read. */
import { mount } from "svelte";
import "uplot/dist/uPlot.min.css";
import Play from "./pages/Play.svelte";
import { App } from "./store/app.svelte.ts";
import { expose } from "./store/expose.ts";

/** In builds for tests, `?engine=fake` puts the stand-in engine behind the page; `production` has no such thing. */
function engine(): string {
  if (import.meta.env.MODE === "production") return "wasm";
  return new URLSearchParams(location.search).get("engine") === "fake" ? `fake?${location.search.slice(1)}` : "wasm";
}

const target = document.getElementById("app");
if (target !== null) {
  const app = new App(engine());
  app.drawing = target.querySelector(".shell-map") ?? undefined;
  expose(app);
  target.replaceChildren();
  mount(Play, { target, props: { app } });
}
