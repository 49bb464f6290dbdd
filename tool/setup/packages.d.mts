export type PackageManager = 'apt' | 'dnf' | 'zypper';

export interface PackageEntry {
  readonly name: string;
  /** What does not work without it, for people. */
  readonly neededFor: string;
  readonly use: 'run' | 'tests';
  /** False: only some layers, or some tests, need it. */
  readonly required: boolean;
  /** Names looked up on PATH; `a|b`: one of them is enough. */
  readonly commands?: readonly string[];
  /** Absolute paths; `a|b`: one of them is enough. */
  readonly files?: readonly string[];
  readonly apt: readonly string[];
  /** Absolute path of a package that apt would remove for it: such an entry is left to the user. */
  readonly aptRemoves?: string;
  readonly dnf: readonly string[];
  readonly zypper: readonly string[];
}

export declare const packageTable: readonly PackageEntry[];
/** The entries for `uses` that this machine lacks. Starts no process. */
export declare function missingEntries(uses: readonly PackageEntry['use'][], path?: string): PackageEntry[];
/** This machine's package manager, null where it is none that the table knows. */
export declare function packageManager(): PackageManager | null;
/** The argv that installs `entries`, without sudo; null when none of them is packaged there. */
export declare function installCommand(manager: PackageManager, entries: readonly PackageEntry[]): string[] | null;
