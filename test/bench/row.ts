import type { Bench } from "./bench.ts";

export type Measure = (bench: Bench) => Promise<number>;

export interface Row {
  name: string;
  unit: string;
  /** Empty for a row that only explains another. */
  target: string;
  ours: Measure;
  /** The measurement to compare the product with: by a ratio, or with `added` by a difference. A row without it stands alone. */
  reference?: Measure;
  added?: boolean;
  /** Prepares the data of the row, once; it may take long. */
  prepare?: (bench: Bench) => Promise<unknown>;
  /** Fewer pairs than usual, for a row that takes long or hardly varies. */
  pairsMax?: number;
}
