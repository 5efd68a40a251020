import type { Job } from '../base/progress.ts';
import { exportOnnx, modelFamily } from '../encoder/open.ts';

export interface ModelExportResult {
  readonly model: string;
  readonly family: string;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/** Writes a model as ONNX files into its own folder. @throws LratError as `exportOnnx` */
export async function exportModel(
  { model }: { readonly model: string },
  job: Job,
): Promise<ModelExportResult> {
  return { model, family: modelFamily(model), files: exportOnnx(model, job) };
}
