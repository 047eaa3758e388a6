"""The rules the desk can find broken, each with its words in both languages."""

from shared.errors import Conflict, Forbidden, InvalidInput, NotFound


class CaseUnknown(NotFound):
    """There is no such case here, or it is not yours to see."""

    zh = "未找到该事件，或您无权查看"


class OrderUnknown(NotFound):
    """There is no such work order here, or it is not yours to see."""

    zh = "未找到该工单，或您无权查看"


class RoleMissing(Forbidden):
    """This action needs another role."""

    zh = "您的岗位不能进行此操作"


class NotYourUnit(Forbidden):
    """The work order is held by another unit."""

    zh = "该工单由其他单位承办"


class Recused(Forbidden):
    """Your own unit is the one complained about."""

    zh = "本单位为被反映单位，须回避"


class TransitionNotAllowed(Conflict):
    """This cannot be done in the present state."""

    zh = "当前状态不能进行此操作"


class NotWaiting(Conflict):
    """The case does not wait for a decision."""

    zh = "该事件不在待分拨队列中"


class NotReplied(Conflict):
    """The case has not been replied to, or is closed."""

    zh = "该事件尚未答复或已经结案"


class WordsErased(Conflict):
    """The citizen was erased, and the words of this case with them; there is nothing left to act on."""

    zh = "诉求人已注销，诉求内容已删除，不能重新打开"


class ReturnWindowOver(Conflict):
    """The time for returning this order is over."""

    zh = "已超过退件时限，请继续办理"


class ReturnCapReached(Conflict):
    """No further return is possible; disputed ownership goes to a ruling."""

    zh = "退件次数已达上限，权属争议请提请会商裁决"


class ReturnUnfounded(InvalidInput):
    """A return needs one of the listed reasons."""

    zh = "退件须选择目录中的理由"


class PhotoMissing(Conflict):
    """This category is resolved only with a photo of the result."""

    zh = "该事项须上传处置照片后方可反馈"


class PhotoUnknown(Conflict):
    """One of the photos does not belong to this order, or has not arrived yet."""

    zh = "照片不属于该工单，或尚在传送中，请稍后再试"


class ReplyMissing(InvalidInput):
    """A result needs a reply the citizen can read."""

    zh = "请填写给诉求人的公开答复"


class UnitUnknown(InvalidInput):
    """There is no such unit."""

    zh = "没有这个承办单位"


class UnitIsParty(Conflict):
    """The order must not go to the unit complained about."""

    zh = "不得将工单分派给被反映单位"


class SameUnit(InvalidInput):
    """The order is with this unit already."""

    zh = "该工单已由此单位承办"


class TypeNotFileable(InvalidInput):
    """A case of this type is not filed; close it with its reason instead."""

    zh = "该类型不予立案，请选择理由后办结"


class ReasonUnknown(InvalidInput):
    """There is no such reason for not accepting a request."""

    zh = "没有这个不予受理理由"


class TagUnknown(NotFound):
    """There is no such tag, or it is not yours to see."""

    zh = "没有这个标签，或您无权查看"


class TagNotByHand(Conflict):
    """This tag is set and taken away by the system only."""

    zh = "该标签由系统自动设置，不能人工增删"


class Stale(Conflict):
    """The case has moved on since you looked at it."""

    zh = "该事件已有新的变化，请刷新后重试"


class NotMergeable(Conflict):
    """This case cannot be merged into that one."""

    zh = "这两件事件不能并案"


class NotMerged(Conflict):
    """The case follows no other."""

    zh = "该事件没有并入其他事件，或已答复，不能撤销并案"


class ReplyFlawed(Conflict):
    """The reply cannot go to the citizen as it is; the findings say why."""

    zh = "公开答复未通过质量检查，请退回修改"


class LeadFixed(Conflict):
    """The lead has begun: only a ruling moves it."""

    zh = "首办单位已开始办理，变更主办须经会商裁决"


class NotForThisOrder(Conflict):
    """This cannot be done to an order of this kind."""

    zh = "该类工单不能进行此操作"


class DesignatedByRuling(Conflict):
    """A ruling has named this unit; it cannot give the order back."""

    zh = "本单位由裁决指定承办，不得退件"


class RulingPending(Conflict):
    """The panel has not decided yet whose it is."""

    zh = "该工单正在会商裁决，请先行办理"


class NoRulingPending(Conflict):
    """There is no dispute to decide."""

    zh = "该工单没有待裁决的争议"


class StillReturnable(Conflict):
    """This may still be returned; a dispute begins where returns end."""

    zh = "退件次数未达上限，请先按程序退件"


class ChildrenNotDone(Conflict):
    """What was given on is not accepted yet."""

    zh = "二次分拨的工单尚未验收，请先验收或收回"


class TasksNotDone(Conflict):
    """The result is still being checked on the spot."""

    zh = "结案前核查尚未完成"


class CheckFailed(Conflict):
    """The check on the spot has found the work not done; send it back."""

    zh = "现场核查未通过，应退回重办"


class VerificationPending(Conflict):
    """It is still being verified on the spot whether this is so."""

    zh = "立案前核实尚未完成"


class EvidenceMissing(InvalidInput):
    """A return for this reason needs evidence."""

    zh = "以此理由退件须附证据说明"


class ClosingConditionOpen(InvalidInput):
    """Whoever approves a result confirms that the standard's closing condition is met."""

    zh = "请对照立结案标准，确认已符合结案条件"


class TerminationUnfounded(InvalidInput):
    """A termination needs one of the listed reasons."""

    zh = "终止办理须选择目录中的理由"


class NotBelow(InvalidInput):
    """Orders are given on to units below one's own."""

    zh = "只能二次分拨给本单位的下级单位"


class RulingUnknown(NotFound):
    """There is no such ruling here, or it is not yours to see."""

    zh = "未找到该裁决，或您无权查看"


class TaskUnknown(NotFound):
    """There is no such task here, or it is not yours to see."""

    zh = "未找到该任务，或您无权查看"


class TaskOver(Conflict):
    """The task has been done or called off."""

    zh = "该任务已完成或已取消"


class TaskKindUnknown(InvalidInput):
    """There is no such task in this version of the rules."""

    zh = "现行规则没有这类任务"


class OutcomeUnknown(InvalidInput):
    """A task of this kind does not end that way."""

    zh = "该类任务没有这种结果"
