// A worker that a recording has broken.
declare const self: Worker;

self.onmessage = () => {
  throw new Error("broken");
};

export {};
