#!/bin/sh
# Opens a change in Git for the newest verified version of a model that Git does not ask for yet: a branch in which
# `modelRef.version` is that number, and whatever PROPOSE does with it (a pull request). Needs git and kubectl.
#
#   NAMESPACE, MODEL    of the ModelVersions
#   REPOSITORY, BRANCH  what is cloned, and the branch that is synced (main)
#   FILE                in it; the line to change ends with `# modelward-version: MODEL`
#   PROPOSE             a command, run in the clone with $HEAD and $TITLE: gh pr create --head "$HEAD" --fill
set -eu
: "${NAMESPACE:?}" "${MODEL:?}" "${REPOSITORY:?}" "${FILE:?}" "${BRANCH:=main}"

# Verified, and with no verdict in force against it.
newest=$(kubectl --namespace "$NAMESPACE" get modelversions --selector "modelward.dev/model=$MODEL" --output go-template='
{{- range .items }}{{ $good := false }}
  {{- range .status.conditions }}{{ if and (eq .type "Verified") (eq .status "True") }}{{ $good = true }}{{ end }}{{ end }}
  {{- range .status.deployments }}{{ if and (eq .role "Rejected") (not .until) }}{{ $good = false }}{{ end }}{{ end }}
  {{- if and $good (not .metadata.deletionTimestamp) }}{{ .spec.version }}{{ "\n" }}{{ end }}
{{- end }}' | sort -n | tail -n 1)
[ -n "$newest" ] || { echo "no verified version of $MODEL yet"; exit 0; }

# Whose commit it is, where nobody says.
export GIT_AUTHOR_NAME="${GIT_AUTHOR_NAME:-Modelward}" GIT_AUTHOR_EMAIL="${GIT_AUTHOR_EMAIL:-modelward@localhost}"
export GIT_COMMITTER_NAME="${GIT_COMMITTER_NAME:-$GIT_AUTHOR_NAME}"
export GIT_COMMITTER_EMAIL="${GIT_COMMITTER_EMAIL:-$GIT_AUTHOR_EMAIL}"

clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone --quiet --depth 1 --branch "$BRANCH" "$REPOSITORY" "$clone"
cd "$clone"

marked="s/^( *-? *version: *)([^ #]+)( *# modelward-version: $MODEL *)$"
current=$(sed -nE "$marked/\2/p" "$FILE")
[ -n "$current" ] || { echo "$FILE has no line 'version: … # modelward-version: $MODEL'" >&2; exit 1; }
case $current in
  *[!0-9]*) echo "$FILE asks for $current: only a number is raised" >&2; exit 1 ;;
esac
[ "$newest" -gt "$current" ] || { echo "Git asks for $MODEL-$current already"; exit 0; }

HEAD="modelward/$NAMESPACE-$MODEL-$newest" TITLE="Serve $MODEL-$newest instead of $MODEL-$current"
export HEAD TITLE
# Proposed before, and perhaps refused: the branch says so as long as it is there.
if git ls-remote --exit-code --heads origin "$HEAD" > /dev/null; then echo "$HEAD is proposed already"; exit 0; fi

why=$(kubectl --namespace "$NAMESPACE" get modelversions --selector \
  "modelward.dev/model=$MODEL,modelward.dev/version=$newest" \
  --output jsonpath='{.items[0].status.conditions[?(@.type=="Verified")].message}')
git checkout --quiet -b "$HEAD"
sed -E "$marked/\1$newest\3/" "$FILE" > "$FILE.new" && mv "$FILE.new" "$FILE"
git commit --quiet --all --message "$TITLE" --message "$MODEL-$newest is verified: $why"
git push --quiet origin "$HEAD"
if [ -n "${PROPOSE:-}" ]; then sh -c "$PROPOSE"; fi
echo "$HEAD is proposed: $TITLE"
