import type { Job } from '../base/progress.ts';
import { modelFolder } from '../encoder/hub.ts';
import { exportOnnx, modelFamily } from '../encoder/open.ts';

export interface ModelExportResult {
  readonly model: string;
  readonly family: string;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

export interface ModelExportRequest {
  /** Folder of a model, or its name on the hub (`modelFolder`). */
  readonly model: string;
}

/** Writes a model as ONNX files into its own folder. @throws LratError as `modelFolder` and `exportOnnx` */
export async function exportModel(request: ModelExportRequest, job: Job): Promise<ModelExportResult> {
  const model = await modelFolder(request.model, job);
  return { model, family: modelFamily(model), files: exportOnnx(model, job) };
}
