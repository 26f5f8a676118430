export { DocumentError, readArchitecture, readEvents, readHistory } from './documents';
export { mountArchitecture, type ArchitectureView } from './page/architecture';
export { mountPlayer, type Player, type PlayerOptions } from './page/player';
export { showProblem } from './page/problem';
