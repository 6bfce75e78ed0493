import type { Contract, Parsed } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { requireVersion } from "../versions.ts";
import { changeContract, getContract } from "./contracts.ts";

/** Changes what the request names. Throws `version_conflict`. */
export async function updateContract(
  tx: Write,
  id: string,
  seen: number | null,
  { name }: Parsed<"updateContract">["body"],
): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  requireVersion(seen, contract.version);
  return name === undefined ? contract : changeContract(tx, id, { name });
}
