// Bundles TypeScript. The notebook widgets go to nasedu/widgets/static; the JupyterLab extension
// goes to packages/labextension/lib, from where @jupyter/builder makes the federated package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  platform: 'browser',
  charset: 'ascii', // safe to put into any page, whatever its encoding
  legalComments: 'none',
  logLevel: 'warning',
};
const folder = (path) => fileURLToPath(new URL(path, import.meta.url));

const widget = await build({
  ...common,
  entryPoints: { widget: folder('packages/anywidget/src/index.ts') },
  outdir: folder('../nasedu/widgets/static'),
  metafile: true,
});
await build({
  ...common,
  minify: false,
  entryPoints: { mime: folder('packages/labextension/src/mime.ts'), nasedu: folder('packages/core/style/nasedu.css') },
  outdir: folder('packages/labextension/lib'),
  external: ['@lumino/*', '@jupyterlab/*'],
});
for (const file of Object.keys(widget.metafile.outputs)) {
  const bytes = readFileSync(file);
  console.log(file.split('/').pop(), bytes.length, 'bytes,', gzipSync(bytes).length, 'compressed');
}
