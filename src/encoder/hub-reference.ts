/**
 * What a user writes for a model of the hub: `hub:intfloat/multilingual-e5-small`, with `@REVISION` where it matters. The
 * revision becomes a folder's name, which `.` and `..` cannot be.
 */
export const hubReference = /^hub:(?<id>[\w-][\w.-]*\/[\w-][\w.-]*)(?:@(?<revision>(?!\.{1,2}$)[^\s@]+))?$/;
