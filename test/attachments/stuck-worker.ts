// A worker that never answers.
declare const self: Worker;

self.onmessage = () => {};

export {};
