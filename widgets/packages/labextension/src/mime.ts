/** Two file types and their renderers: they draw without a kernel, in documents and in outputs. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { mountArchitecture, mountPlayer, readArchitecture, readHistory, showProblem } from '@nasedu/core';

interface Drawn {
  destroy(): void;
}

/** `position` is where a player begins, if the output's metadata says so. */
type Mount = (host: HTMLElement, source: unknown, position: number | null) => Drawn;

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="none" stroke="#616161" stroke-width="2">' +
  '<circle cx="5" cy="6" r="3"/><circle cx="5" cy="18" r="3"/><circle cx="19" cy="12" r="3"/><path d="M8 7l8 4M8 17l8-4"/></g></svg>';

class DocumentView extends Widget implements IRenderMime.IRenderer {
  private drawn: Drawn | null = null;
  private source: unknown = undefined;

  constructor(
    private readonly mimeType: string,
    private readonly mount: Mount,
  ) {
    super();
    this.addClass('nasedu-document');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const source: unknown = model.data[this.mimeType];
    if (source === this.source && this.drawn) return;
    this.source = source;
    this.clear();
    try {
      this.drawn = this.mount(this.node, source, positionIn(model.metadata[this.mimeType]));
    } catch (error) {
      showProblem(this.node, error, typeof source === 'string' ? source : '');
    }
  }

  dispose(): void {
    this.clear();
    super.dispose();
  }

  private clear(): void {
    this.drawn?.destroy();
    this.drawn = null;
    this.node.replaceChildren();
  }
}

function positionIn(metadata: unknown): number | null {
  const position = (metadata as { position?: unknown } | undefined)?.position;
  return typeof position === 'number' ? position : null;
}

interface Kind {
  name: string;
  displayName: string;
  extension: string;
  mimeType: string;
  textTypes: string[];
  mount: Mount;
}

function extensionOf({ name, displayName, extension, mimeType, textTypes, mount }: Kind): IRenderMime.IExtension {
  const fileType = `nasedu-${name}`;
  return {
    id: `@nasedu/labextension:${name}`,
    description: `Draws *${extension}.`,
    // Safe: documents are checked, text goes in as text, and nothing of a document is ever markup or code.
    rendererFactory: { safe: true, mimeTypes: [mimeType], createRenderer: (options) => new DocumentView(options.mimeType, mount) },
    rank: -100, // before widgets: a recorded player has both, and a widget does not survive its kernel
    dataType: 'string', // with 'json' a syntax error would open a dialog instead of our message
    fileTypes: [
      {
        name: fileType,
        displayName,
        extensions: [extension],
        mimeTypes: [mimeType],
        fileFormat: 'text',
        icon: { name: `nasedu:${name}`, svgstr: ICON } as never,
      },
    ],
    documentWidgetFactoryOptions: {
      name: displayName,
      primaryFileType: fileType,
      fileTypes: [fileType, ...textTypes],
      defaultFor: [fileType],
    },
  };
}

const extensions: IRenderMime.IExtension[] = [
  extensionOf({
    name: 'architecture',
    displayName: 'NAS architecture',
    extension: '.nas.json',
    mimeType: 'application/vnd.nasedu.architecture+json',
    textTypes: ['json'],
    mount: (host, source) => mountArchitecture(host, readArchitecture(source)),
  }),
  extensionOf({
    name: 'history',
    displayName: 'NAS history',
    extension: '.nas.jsonl',
    mimeType: 'application/vnd.nasedu.history+jsonl',
    textTypes: [],
    mount: (host, source, position) => {
      const history = readHistory(source);
      return mountPlayer(host, history, { position: position ?? history.events.length }); // or what came out, first
    },
  }),
];

export default extensions;
