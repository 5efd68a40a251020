/**
 * A device by name, or the one that is found to be the better. Apart from what computes, so that a record of a run is read
 * without it.
 */
export const deviceWishes = ['auto', 'cpu', 'webgpu'] as const;
export type DeviceWish = (typeof deviceWishes)[number];
