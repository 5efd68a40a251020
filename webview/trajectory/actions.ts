import type { LogPlace } from '../../src/protocol.ts';

/** What the parts of the view can ask for. */
export interface Actions {
  readonly select: (index: number) => void;
  readonly label: (label: 'relevant' | 'irrelevant' | null) => void;
  /** The number that the log gives the step at an index. */
  readonly stepAt: (index: number) => number;
  readonly openLog: (place: LogPlace) => void;
  readonly openPair: () => void;
}
