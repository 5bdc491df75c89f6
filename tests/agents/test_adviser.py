from neuromosaic.agents.adviser import ask_advice
from neuromosaic.core.proposals import Adviser
from neuromosaic.core.role_inputs import AdviceInputs
from neuromosaic.testing import ScriptedClient, example_hardware, example_task


def test_its_remarks_are_few_and_short() -> None:
    inputs = AdviceInputs(**example_task(), hardware=example_hardware(), advised="Trainer")
    client = ScriptedClient({
        "Expert/advise": ['{"remarks": ["a", "b", "c", "d", "e", "f"]}', '{"remarks": []}'],
        "Expert/advise/mend": '{"remarks": ["a"]}',
    })  # fmt: skip
    assert ask_advice(client, Adviser("Expert"), inputs).remarks == ("a",)
    assert ask_advice(client, Adviser("Expert"), inputs).remarks == ()
