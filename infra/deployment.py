"""What `infra/deploy` does: looks at the artefacts and at the stack that stands, then calls `sam deploy`.

usage: deployment.py TARGET STAGE [NAME=VALUE ...] [-- SAM ARGUMENTS ...]
"""
import os, pathlib, sys
import boto3, botocore.exceptions, tomlkit

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / "samconfig.toml"
# The machine in an ELF header, two bytes at 18 (elf.h: EM_X86_64, EM_AARCH64).
MACHINES = {62: "x86_64", 183: "arm64"}


def refuse(cause, hint):
    sys.exit(f"{cause}\nhint: {hint}")


def architecture_of(program):
    head = program.read_bytes()[:20]
    if head[:4] != b"\x7fELF" or len(head) < 20:
        refuse(f"{program} is no program for Linux", "infra/build makes the artefacts")
    number = int.from_bytes(head[18:20], "little")
    return MACHINES.get(number) or refuse(f"{program} is for machine {number}, which Lambda does not have", "infra/build arm64, or x86_64")


def architecture_of_all(built):
    programs = sorted(built.glob("*/bootstrap"))
    if not programs or not (built / "template.yaml").is_file():
        refuse(f"nothing is built in {built}", "infra/build")
    found = {architecture_of(program) for program in programs}
    if len(found) > 1:
        refuse(f"the artefacts are for {' and '.join(sorted(found))}", "build them all anew: infra/build")
    return found.pop()


def pairs(words):
    for word in words:
        if "=" not in word:
            refuse(f"{word} is no parameter", "NAME=VALUE; what is for sam deploy follows --")
    return dict(word.split("=", 1) for word in words)


def settings_of(stage):
    stages = tomlkit.parse(CONFIGURATION.read_text())
    if stage not in stages or stage == "version":
        known = ", ".join(name for name in stages if name not in ("version", "default"))
        refuse(f"samconfig.toml has no stage {stage}", f"one of {known}")
    return stages[stage]


def with_architecture(parameters, architecture):
    wanted = parameters.get("Architecture", architecture)
    if wanted != architecture:
        refuse(f"the artefacts are for {architecture} and Architecture={wanted}: no function would start", f"infra/build {wanted}, or leave Architecture out")
    return parameters | {"Architecture": architecture}


def standing(stack):
    """The parameters of the stack as it stands; none if there is no such stack yet."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except botocore.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return {}
        refuse(f"the stack {stack} cannot be looked at: {error.response['Error']['Code']}", "the right cloudformation:DescribeStacks")
    except botocore.exceptions.BotoCoreError as error:
        refuse(f"AWS cannot be asked about the stack {stack}: {type(error).__name__}", "homeward doctor --online says what lacks")
    return {it["ParameterKey"]: it.get("ParameterValue", "") for it in found.get("Parameters", [])}


def refuse_to_lock_photos_away(stack, parameters):
    if standing(stack).get("Small") == "false" and parameters.get("Small", "false") == "true":
        refuse(
            f"{stack} has photos under a key of its own. Small=true would take the functions' right to that key: no photo and no searchable set could be read any more, and Small=false again would make another key",
            "leave Small=false. A small stage is a new stage",
        )


def main():
    target, arguments = pathlib.Path(sys.argv[1]), sys.argv[2:]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    own, for_sam = arguments[:at], arguments[at + 1 :]
    if not own or own[0].startswith("-"):
        refuse("which stage?", "infra/deploy dev, or infra/deploy prod")
    settings = settings_of(own[0])
    built = target / "sam"
    of_stage = pairs(settings["deploy"]["parameters"].get("parameter_overrides", "").split())
    parameters = with_architecture(of_stage | pairs(own[1:]), architecture_of_all(built))
    refuse_to_lock_photos_away(settings["global"]["parameters"]["stack_name"], parameters)
    overrides = [f"{name}={value}" for name, value in parameters.items()]
    sam = str(target / "infra-venv/bin/sam")
    command = [sam, "deploy", "--template-file", str(built / "template.yaml"), "--config-file", str(CONFIGURATION), "--config-env", own[0], "--parameter-overrides", *overrides, *for_sam]
    os.execv(sam, command)


main()
